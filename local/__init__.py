"""The local cloud: starts an AWS engine on this machine, deploys this repository's template to it, stops it.

`make local`, `make local-up` and `make local-down` run it; for programs it is `local.cloud.LocalCloud`.
"""
