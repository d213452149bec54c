"""Shell commands that a page shows, taken apart as far as a page needs it."""

import re
import shlex

_SEPARATORS = "();|&<>\n"
_NO_COMMANDS = {"do", "then", "else", "time", "!"}
"""Words before a command."""
_OWN_LINES = {"for", "done", "if", "fi", "while"}
"""Words of a line that runs nothing by itself."""


def commands(script: str) -> list[list[str]]:
    """The simple commands of a script, in order, without assignments, redirections and comments.

    A placeholder, ``<owner>``, is its name.
    """
    script = re.sub(r"<(\w+)>", r"\1", script.replace("\\\n", " "))
    script = re.sub(r"(^|\s)#.*$", "", script, flags=re.MULTILINE)
    words = shlex.shlex(script, posix=True, punctuation_chars=_SEPARATORS)
    words.whitespace, words.commenters, words.whitespace_split = " \t", "", True
    found: list[list[str]] = [[]]
    redirected = False
    for word in words:
        if set(word) <= set(_SEPARATORS):
            redirected = bool(set(word) & set("<>"))
            if not redirected:
                found.append([])
        elif redirected:
            redirected = False
        else:
            found[-1].append(word)
    return [command for command in map(_plain, found) if command and command[0] not in _OWN_LINES]


def _plain(command: list[str]) -> list[str]:
    """The command without what stands before it."""
    while command and (command[0] in _NO_COMMANDS or re.match(r"\w+=", command[0])):
        command = command[1:]
    return command


def options(command: list[str]) -> list[str]:
    """The names of its long options."""
    return [word.partition("=")[0] for word in command if re.match(r"--[a-z]", word)]
