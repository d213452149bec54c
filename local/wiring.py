"""Adds the settings that the engine ignores to a deployed stack, through the public AWS API, after every deployment.

The engine ignores the OpenAPI body of an HTTP API (routes, integrations, authorizers, CORS) and a table's TTL. It takes
a queue's concurrency that is a parameter as text, which stops its poller. Existing settings stay, missing ones are
added, and those that left the template are removed.
"""

import re
from typing import Any

from local import deployment
from local.errors import LocalCloudError
from local.isolation import Clients
from local.template import Resolver

CHUNK_FUNCTION = "ChunkFunction"
SPARE_WORKERS = 2
"""Chunk workers beyond those of one fan-out: a call that has just ended may still be counted when the next begins."""
_METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}
_FUNCTION = re.compile(r"/functions/(arn:.+)/invocations")


def wire(clients: Clients, stack_name: str, parameters: dict[str, str]) -> None:
    """Wire every HTTP API and every table of the stack."""
    template = deployment.processed_template(clients, stack_name)
    present = deployment.resources(clients, stack_name)
    account = clients("sts").get_caller_identity()["Account"]
    defaults = {name: str(given["Default"]) for name, given in template["Parameters"].items() if "Default" in given}
    values = defaults | parameters | {name: physical for name, (_, physical) in present.items()}
    values |= {
        "AWS::Region": clients.region,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::AccountId": account,
        "AWS::StackName": stack_name,
    }
    arns = {
        name: f"arn:aws:lambda:{clients.region}:{account}:function:{physical}"
        for name, (kind, physical) in present.items()
        if kind == "AWS::Lambda::Function"
    }
    resolve = Resolver(template, values, arns)
    for name, (kind, physical) in present.items():
        properties = template["Resources"].get(name, {}).get("Properties", {})
        try:
            _wire_one(clients, kind, physical, properties, resolve)
        except LocalCloudError as error:
            raise LocalCloudError(f"{name} ({kind}) is deployed, but cannot be wired: {error}") from error
    if (chunk := present.get(CHUNK_FUNCTION)) and "FanOutConcurrency" in values:
        _bound(clients, chunk[1], int(values["FanOutConcurrency"]) + SPARE_WORKERS)


def _bound(clients: Clients, function: str, most: int) -> None:
    """Let no more calls of it run at once, of all fan-outs together and of runs that have just been cancelled."""
    clients("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=most)


def _wire_one(clients: Clients, kind: str, physical: str, properties: dict[str, Any], resolve: Resolver) -> None:
    if kind == "AWS::ApiGatewayV2::Api" and "Body" in properties:
        _wire_api(clients, physical, resolve(properties["Body"]))
    elif kind == "AWS::DynamoDB::Table" and "TimeToLiveSpecification" in properties:
        _wire_ttl(clients, physical, resolve(properties["TimeToLiveSpecification"]))
    elif kind == "AWS::Lambda::EventSourceMapping" and "ScalingConfig" in properties:
        limit = int(resolve(properties["ScalingConfig"])["MaximumConcurrency"])
        clients("lambda").update_event_source_mapping(UUID=physical, ScalingConfig={"MaximumConcurrency": limit})


def _wire_ttl(clients: Clients, table: str, wanted: dict[str, Any]) -> None:
    dynamodb = clients("dynamodb")
    status = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"]
    if (status == "ENABLED") != wanted["Enabled"]:
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)


def _wire_api(clients: Clients, api_id: str, body: dict[str, Any]) -> None:
    gateway = clients("apigatewayv2")
    if cors := body.get("x-amazon-apigateway-cors"):
        gateway.update_api(ApiId=api_id, CorsConfiguration={key[0].upper() + key[1:]: cors[key] for key in cors})
    authorizers = _authorizers(gateway, api_id, body)
    wanted = _routes(body)
    functions = {function for function, _ in wanted.values()}
    integrations = _integrations(gateway, api_id, functions)
    routes = {item["RouteKey"]: item for item in gateway.get_routes(ApiId=api_id, MaxResults="1000")["Items"]}
    for key, (function, security) in wanted.items():
        settings: dict[str, Any] = {"Target": f"integrations/{integrations[function]}", "AuthorizationType": "NONE"}
        if security in authorizers:
            settings |= {"AuthorizationType": "JWT", "AuthorizerId": authorizers[security]}
        route = routes.pop(key, None)
        if route is None:
            gateway.create_route(ApiId=api_id, RouteKey=key, **settings)
        elif any(route.get(name) != value for name, value in settings.items()):
            gateway.update_route(ApiId=api_id, RouteId=route["RouteId"], **settings)
    for route in routes.values():
        gateway.delete_route(ApiId=api_id, RouteId=route["RouteId"])


def _routes(body: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return function ARN and security scheme by route key, such as "GET /tasks"."""
    default = next(iter((body.get("security") or [{}])[0]), None)
    routes: dict[str, tuple[str, str | None]] = {}
    for path, item in body.get("paths", {}).items():
        for method in _METHODS & set(item):
            operation = item[method]
            uri = operation["x-amazon-apigateway-integration"]["uri"]
            function = _FUNCTION.search(uri)
            if function is None:
                raise LocalCloudError(f"{path}: the integration {uri!r} is no Lambda function")
            security = next(iter(operation["security"][0]), None) if operation.get("security") else default
            verb = "ANY" if method.startswith("x-") else method.upper()
            key = "$default" if path == "/$default" else f"{verb} {path}"
            routes[key] = (function[1], security)
    return routes


def _integrations(gateway: Any, api_id: str, functions: set[str]) -> dict[str, str]:
    """Return the id of the integration of every function, by the function's ARN."""
    items = gateway.get_integrations(ApiId=api_id, MaxResults="1000")["Items"]
    ids = {item["IntegrationUri"]: item["IntegrationId"] for item in items}
    for function in functions - set(ids):
        ids[function] = gateway.create_integration(
            ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
        )["IntegrationId"]
    return ids


def _authorizers(gateway: Any, api_id: str, body: dict[str, Any]) -> dict[str, str]:
    """Return the id of every JWT authorizer by its name."""
    ids = {item["Name"]: item["AuthorizerId"] for item in gateway.get_authorizers(ApiId=api_id)["Items"]}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        definition = scheme["x-amazon-apigateway-authorizer"]
        settings = {
            "AuthorizerType": "JWT",
            "IdentitySource": [definition["identitySource"]],
            "JwtConfiguration": {
                "Issuer": definition["jwtConfiguration"]["issuer"],
                "Audience": definition["jwtConfiguration"]["audience"],
            },
        }
        if name in ids:
            gateway.update_authorizer(ApiId=api_id, AuthorizerId=ids[name], **settings)
        else:
            ids[name] = gateway.create_authorizer(ApiId=api_id, Name=name, **settings)["AuthorizerId"]
    return ids
