"""An example: a program outside of AWS that is notified of ended tasks over HTTP."""
