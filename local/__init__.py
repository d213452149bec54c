"""The local cloud: starts an AWS engine on this machine, deploys this repository's template to it, stops it.

For people it is behind `make local`, `make local-up` and `make local-down`; for programs it is
`local.cloud.LocalCloud`.
"""
