"""An example: a program outside of AWS that is told over HTTP what becomes of tasks."""
