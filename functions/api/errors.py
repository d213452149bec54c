"""Errors as answers: every exception of a route becomes ``{"statusCode", "message", "details"?}`` here."""

import binascii
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from input_schemas import UnfitInput
from serverless_tasks import InvalidInput, KeyReused, LostRace, TaskNotFound, TaskOpen, TransitionRefused
from serverless_tasks.adapters.log import logger

MAX_DETAILS = 20
"""Problems that an answer lists; a body may have as many as it has bytes."""
MAX_FIELD = 100
"""Characters of a field's name, which the client may have made up."""

_WORDS = {"missing": "is missing", "extra_forbidden": "is not a field of this request"}


def answer_errors(app: APIGatewayHttpResolver) -> None:
    """Let the resolver answer with these errors."""

    def to_response(error: Exception) -> Response[Any]:
        match error:
            case RequestValidationError():
                return _invalid_request(error.errors())
            case UnfitInput():
                return _malformed(error.problems)
            case InvalidInput():
                return _malformed({error.field: error.reason})
            case binascii.Error() | UnicodeError():
                return _malformed({"body": "is not base64 of text in UTF-8"})
            case TaskNotFound():
                return _error(404, str(error))
            case TransitionRefused() | TaskOpen() | KeyReused():
                return _error(409, str(error))
            case LostRace():
                return _error(409, "the task was changed at the same time; ask again")
            case ServiceError():
                return _error(int(error.status_code), str(error.msg))
        logger.exception("unexpected error")
        request_id = app.current_event["requestContext"].get("requestId")
        return _error(500, f"this should not have happened; the log has more under request id {request_id}")

    app.exception_handler(Exception)(to_response)


def _invalid_request(problems: Iterable[dict[str, Any]]) -> Response[Any]:
    found: dict[str, str] = {}
    for problem in problems:
        where, *field = problem["loc"]
        if where == "path":
            return _error(404, "there is no such task: that is no task type, or no code")
        # Fields are one level deep; below, pydantic goes on with the alternatives that it tried.
        found.setdefault(str(field[0] if field else where), _WORDS.get(problem["type"], problem["msg"]))
    return _malformed(found)


def _malformed(problems: Mapping[str, str]) -> Response[Any]:
    details = [{"field": field[:MAX_FIELD], "message": text} for field, text in islice(problems.items(), MAX_DETAILS)]
    return _error(400, "; ".join(f"{detail['field']}: {detail['message']}" for detail in details), details)


def _error(status_code: int, message: str, details: list[dict[str, str]] | None = None) -> Response[Any]:
    body = {"statusCode": status_code, "message": message, **({"details": details} if details else {})}
    return Response(status_code, APPLICATION_JSON, body)
