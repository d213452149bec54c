def check(template, settings): pass
