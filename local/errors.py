"""The launcher's error."""


class LocalCloudError(Exception):
    """The local cloud cannot start, deploy or stop; the message is for the user."""
