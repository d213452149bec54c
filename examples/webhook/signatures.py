"""Whether a message over HTTP is from Amazon SNS, and from your topic.

The rules are those of https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

import base64
import re
from collections.abc import Callable, Mapping

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

_SUBSCRIPTION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
"""Signed fields of each type of message, in this order; missing ones are left out."""
_SNS = r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/"
ADDRESSES = {
    "SigningCertURL": re.compile(_SNS + r"SimpleNotificationService-[0-9A-Za-z]+\.pem"),
    "SubscribeURL": re.compile(_SNS + r"\?[^\s]+"),
}
"""Addresses of certificates and confirmations. On another path an attacker may control the answer of SNS."""

Message = Mapping[str, str]


class Forged(Exception):
    """The message is not from the topic; the text says why."""


class Verifier:
    """Checks messages of one topic. ``fetch`` gets the content of an address."""

    def __init__(self, topic_arn: str, fetch: Callable[[str], bytes]) -> None:
        self._topic_arn = topic_arn
        self._fetch = fetch
        self._keys: dict[str, RSAPublicKey] = {}

    def check(self, message: Message) -> None:
        """Raises :class:`Forged`. SNS signs for every topic, so a signature alone proves nothing."""
        if message.get("TopicArn") != self._topic_arn:
            raise Forged("it is from another topic")
        if message.get("Type") not in SIGNED:
            raise Forged("it is of an unknown type")
        if message.get("SignatureVersion") != "2":
            raise Forged("it is not signed by SHA-256: set the topic's SignatureVersion to 2")
        for name, address in ADDRESSES.items():
            if name in message and not address.fullmatch(message[name]):
                raise Forged(f"{name} leads elsewhere")
        try:
            key = self._key(message["SigningCertURL"])
            signature = base64.b64decode(message["Signature"], validate=True)
            key.verify(signature, signed_text(message), PKCS1v15(), SHA256())
        except KeyError as missing:
            raise Forged(f"it has no {missing.args[0]}") from None
        except (InvalidSignature, ValueError):
            raise Forged("its signature is wrong") from None

    def _key(self, address: str) -> RSAPublicKey:
        """The key of a certificate, fetched once: another certificate has another address."""
        if address not in self._keys:
            key = x509.load_pem_x509_certificate(self._fetch(address)).public_key()
            if not isinstance(key, RSAPublicKey):
                raise Forged("its certificate has no RSA key")
            self._keys[address] = key
        return self._keys[address]


def signed_text(message: Message) -> bytes:
    """The text that SNS has signed: names and values, a line each."""
    lines = [line for name in SIGNED[message["Type"]] if name in message for line in (name, message[name])]
    return "".join(f"{line}\n" for line in lines).encode()
