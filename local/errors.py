"""What the launcher says when it cannot go on."""


class LocalCloudError(Exception):
    """The local cloud cannot start, deploy or stop; the message is for the person at the terminal."""
