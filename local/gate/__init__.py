"""Refuses, in every function of the local cloud, the calls that AWS would refuse, before they leave the process.

The launcher writes down what every role may do (:mod:`local.gate.table`); ``startup/sitecustomize.py`` brings
:mod:`local.gate.hook` into each function's process. What functions import from here needs nothing but botocore.
"""
