"""Signing in where it is not the usual way: the first time, and when a session has ended."""

GIVEN, OWN = "For-the-first-1", "My-own-one-12"


def test_the_first_time_asks_for_a_password_of_ones_own(stranger, forked):
    console = stranger
    forked.client("cognito-idp").admin_create_user(
        UserPoolId=forked.stack["userPoolId"],
        Username="frank",
        TemporaryPassword=GIVEN,
        UserAttributes=[{"Name": "custom:tenant", "Value": "mbc"}],
        MessageAction="SUPPRESS",
    )
    console.open()
    console.until(lambda: console.field("User name or e-mail"), "the form is there").send_keys("frank")
    console.field("Password").send_keys("wrong")
    console.one("sign-in").click()
    console.until(lambda: "The user name or the password is wrong." in console.text(), "a wrong password is told")
    console.field("Password").clear()
    console.field("Password").send_keys(GIVEN)
    console.one("sign-in").click()
    own = console.until(lambda: console.field("New password"), "it asks for another one")
    assert console.browser.switch_to.active_element == own
    own.send_keys(OWN)
    console.one("sign-in").click()
    console.until(lambda: console.heading() == "Tasks", "the list is there")
    assert "frank" in console.text()


def test_a_session_that_has_ended_asks_to_sign_in_and_goes_on_where_it_was(console, ended):
    console.open_task(ended)
    console.browser.execute_script(
        "for (const name of Object.keys(sessionStorage)) if (name.endsWith('Token')) sessionStorage[name] = 'e30.e30.x'"
    )
    console.browser.refresh()
    console.until(lambda: console.heading() == "Sign in", "it asks to sign in")
    console.field("User name or e-mail").send_keys("alice")
    console.field("Password").send_keys(console.users["alice"]["password"])
    console.one("sign-in").click()
    console.until(lambda: console.heading() == ended["name"], "the page is there")


def test_a_user_who_has_signed_out_cannot_renew_the_session(stranger, forked):
    console, cognito = stranger, forked.client("cognito-idp")
    console.sign_in("alice")
    [token] = [value for name, value in console.storage().items() if name.endswith("refreshToken")]

    def renewed():
        parameters = {"REFRESH_TOKEN": token}
        client = forked.stack["userPoolClientId"]
        try:
            return cognito.initiate_auth(ClientId=client, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=parameters)
        except cognito.exceptions.NotAuthorizedException:
            return None

    assert renewed()
    console.button("Sign out").click()
    console.until(lambda: console.heading() == "Sign in", "it asks to sign in")
    assert not [name for name in console.storage() if name.endswith("Token")]
    console.until(lambda: not renewed(), "the token is taken back")
