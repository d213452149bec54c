"""Who belongs to which tenant is an administrator's to say: the template gives users no way to."""

import pytest

from local.template import Resolver
from tests.support.resources import TEMPLATE

RESOURCES = TEMPLATE["Resources"]
AUTH = TEMPLATE["Globals"]["HttpApi"]["Auth"]


def of_type(kind):
    return {name: item["Properties"] for name, item in RESOURCES.items() if item["Type"] == kind}


def condition(name, **parameters):
    defaults = {name: str(given.get("Default", "")) for name, given in TEMPLATE["Parameters"].items()}
    return Resolver(TEMPLATE, {**defaults, **parameters}, {}).condition(name)


def test_no_client_may_write_the_tenant():
    clients = of_type("AWS::Cognito::UserPoolClient")
    assert clients
    for client in clients.values():
        # Without a list, a client may write every attribute that can change.
        assert client["WriteAttributes"] == ["email"]


def test_a_user_cannot_sign_up():
    [pool] = of_type("AWS::Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True


def test_every_route_but_description_and_console_wants_a_token():
    assert AUTH["DefaultAuthorizer"] in AUTH["Authorizers"]
    functions = of_type("AWS::Serverless::Function").values()
    events = [event for function in functions for event in function.get("Events", {}).values()]
    routes = [event["Properties"] for event in events if event["Type"] == "HttpApi"]
    public = {route["Path"] for route in routes if "Auth" in route}
    assert public == {"/openapi.json", "/docs", "/console", "/console/{file+}"}


def test_what_needs_no_token_is_limited_for_itself_if_no_parameter_takes_it_away():
    """Its stage would keep the settings, and refuse the next update (serverless-application-model, issue 1939)."""
    api = RESOURCES["HttpApi"]
    functions = [each for each in RESOURCES.values() if each["Type"] == "AWS::Serverless::Function"]
    lasting = [each["Properties"] for each in functions if each.get("Condition") in (None, api["Condition"])]
    routes = [event["Properties"] for each in lasting for event in each.get("Events", {}).values()]
    settings = api["Properties"]["RouteSettings"]
    assert set(settings) == {f"{route['Method']} {route['Path']}" for route in routes if "Auth" in route}
    limit = int(TEMPLATE["Parameters"]["ApiRateLimit"]["Default"])
    assert all(limits["ThrottlingRateLimit"] < limit for limits in settings.values())


@pytest.mark.parametrize(
    ("parameters", "made"),
    [
        ({}, True),
        ({"JwtIssuer": "https://login.example.com/"}, False),
        ({"RestEndpoints": "false"}, False),
        ({"RestEndpoints": "false", "JwtIssuer": "https://login.example.com/"}, False),
    ],
)
def test_an_own_issuer_stands_in_for_pool_client_and_groups(parameters, made):
    kinds = {name: item for name, item in RESOURCES.items() if item["Type"].startswith("AWS::Cognito::")}
    assert len(kinds) == 4
    assert {condition(item["Condition"], **parameters) for item in kinds.values()} == {made}


def test_the_authorizer_takes_the_issuer_that_is_given():
    jwt = AUTH["Authorizers"]["Tokens"]["JwtConfiguration"]
    values = {"JwtIssuer": "https://login.example.com/", "JwtAudience": "tasks", "RestEndpoints": "true"}
    resolve = Resolver(TEMPLATE, values, {})
    assert resolve(jwt) == {"issuer": "https://login.example.com/", "audience": ["tasks"]}


def test_an_issuer_needs_an_audience():
    rule = TEMPLATE["Rules"]["AudienceWithIssuer"]
    truth = Resolver(TEMPLATE, {"JwtIssuer": "https://login.example.com/", "JwtAudience": ""}, {})._truth
    assert truth(rule["RuleCondition"])
    assert not truth(rule["Assertions"][0]["Assert"])
