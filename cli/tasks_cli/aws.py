"""AWS itself, with the user's own credentials: outputs of a stack, and its queues."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tasks_cli.errors import BadInput, NotAllowed, Unreachable

DENIED = ("AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId")


def client(service: str, region: str | None) -> Any:
    """A boto3 client, by the profile, environment and region that the AWS CLI would take."""
    import boto3

    session: Any = boto3
    with errors():
        return session.client(service, region_name=region)


def outputs(stack_name: str, region: str | None) -> dict[str, str]:
    """The outputs of a CloudFormation stack. Raises :class:`BadInput` if there is none of that name."""
    cloudformation = client("cloudformation", region)
    with errors():
        [stack] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@contextlib.contextmanager
def errors() -> Iterator[None]:
    """Errors of AWS as ours."""
    from botocore import exceptions as its

    try:
        yield
    except its.NoRegionError as error:
        raise BadInput("no AWS region: give one with --region, or set AWS_DEFAULT_REGION") from error
    except (its.NoCredentialsError, its.TokenRetrievalError) as error:
        raise NotAllowed(f"AWS does not know you: {error}") from error
    except (its.ConnectionError, its.HTTPClientError) as error:
        raise Unreachable(f"AWS does not answer: {error}") from error
    except its.ClientError as error:
        said = error.response["Error"]
        kind = NotAllowed if said["Code"] in DENIED else BadInput
        raise kind(f"AWS says: {said['Message']}") from error
    except its.BotoCoreError as error:
        raise BadInput(f"AWS cannot be asked: {error}") from error
