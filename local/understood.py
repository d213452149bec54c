"""The parts of a template that the engine (ministack 1.5.33) understands, for this repository and likely forks.

Read off the engine's source, resource type by resource type. A property is honoured if the engine follows it (or if it
only describes), wired if `local.wiring` sets it after the deployment, harmless if the engine ignores it and nothing
local depends on it; the reason stands beside it. Any other property of a listed type stops the launcher. Other types
are passed on unchecked; the engine refuses those that it does not know.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Understood:
    """Properties of one resource type, or fields of one kind of state."""

    honoured: frozenset[str]
    wired: frozenset[str] = frozenset()
    harmless: dict[str, str] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether the property is honoured, wired or harmless."""
        return name in self.honoured or name in self.wired or name in self.harmless


def _understood(honoured: str, wired: str = "", **harmless: str) -> Understood:
    return Understood(frozenset(honoured.split()), frozenset(wired.split()), harmless)


_NO_BILL = "cost and encryption at rest do not exist here"
_ONE_MACHINE = "functions run as processes of this machine"
_FIELDS = "InputPath OutputPath ResultPath ResultSelector Parameters Assign Output Arguments Next End Comment Type"

RESOURCES: dict[str, Understood] = {
    "AWS::ApiGatewayV2::Api": _understood(
        "Name ProtocolType Description Version Tags DisableExecuteApiEndpoint", "Body"
    ),
    "AWS::ApiGatewayV2::Stage": _understood(
        "ApiId StageName AutoDeploy StageVariables Description Tags",
        AccessLogSettings="the engine's own log shows every request",
        DefaultRouteSettings="throttling protects an account; there is none here",
        RouteSettings="throttling protects an account; there is none here",
    ),
    "AWS::Cognito::UserPool": _understood(
        "AdminCreateUserConfig AliasAttributes AutoVerifiedAttributes LambdaConfig Policies Schema UserPoolName "
        "UserPoolTags UsernameAttributes UsernameConfiguration",
        DeletionProtection="everything here ends with the engine",
    ),
    "AWS::Cognito::UserPoolClient": _understood(
        "AccessTokenValidity ClientName ExplicitAuthFlows GenerateSecret IdTokenValidity PreventUserExistenceErrors "
        "RefreshTokenValidity TokenValidityUnits UserPoolId",
        EnableTokenRevocation="nothing here revokes a token",
        ReadAttributes="the launcher's users are made by an administrator",
        WriteAttributes="the launcher's users are made by an administrator",
    ),
    "AWS::Cognito::UserPoolGroup": _understood("Description GroupName Precedence UserPoolId"),
    "AWS::DynamoDB::Table": _understood(
        "AttributeDefinitions GlobalSecondaryIndexes KeySchema LocalSecondaryIndexes StreamSpecification TableName "
        "Tags",
        "TimeToLiveSpecification",
        BillingMode=_NO_BILL,
        ContributorInsightsSpecification=_NO_BILL,
        DeletionProtectionEnabled="everything here ends with the engine",
        PointInTimeRecoverySpecification="everything here ends with the engine",
        SSESpecification=_NO_BILL,
    ),
    "AWS::IAM::ManagedPolicy": _understood("Description ManagedPolicyName Path PolicyDocument"),
    "AWS::IAM::Role": _understood(
        "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path Policies RoleName Tags",
        PermissionsBoundary="what a boundary forbids is not forbidden here; what no policy allows is",
    ),
    "AWS::Lambda::Alias": _understood(
        "Description FunctionName FunctionVersion Name",
    ),
    "AWS::Lambda::EventSourceMapping": _understood(
        "BatchSize Enabled EventSourceArn FilterCriteria FunctionName FunctionResponseTypes StartingPosition",
        "ScalingConfig",
        BisectBatchOnFunctionError="a failing batch is retried whole: slower, not different",
        MaximumRetryAttempts="a record is retried for ever here, where AWS gives it up to the sweeper",
        MaximumRecordAgeInSeconds="a record is retried for ever here, where AWS gives it up to the sweeper",
        ParallelizationFactor="one batch after the other here: slower, not different",
        DestinationConfig="no record is ever given up here",
    ),
    "AWS::Lambda::Function": _understood(
        "Code Description Environment FunctionName Handler Layers PackageType Role Runtime SnapStart Tags Timeout",
        Architectures=_ONE_MACHINE,
        EphemeralStorage=_ONE_MACHINE,
        LoggingConfig="its log group is honoured, the level is in the environment, too; lines cost nothing here",
        MemorySize=_ONE_MACHINE,
        ReservedConcurrentExecutions="the machine's own few processes are not shared out",
        TracingConfig="there is no X-Ray here to send to",
    ),
    "AWS::Lambda::LayerVersion": _understood(
        "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"
    ),
    "AWS::Lambda::Permission": _understood("Action FunctionName Principal SourceAccount SourceArn"),
    "AWS::Lambda::Version": _understood("Description FunctionName"),
    "AWS::Logs::LogGroup": _understood(
        "LogGroupName Tags", KmsKeyId=_NO_BILL, RetentionInDays="everything here ends with the engine"
    ),
    "AWS::S3::Bucket": _understood(
        "BucketName CorsConfiguration NotificationConfiguration PublicAccessBlockConfiguration Tags "
        "VersioningConfiguration",
        BucketEncryption=_NO_BILL,
        LifecycleConfiguration="everything here ends with the engine, long before an object would expire",
        MetricsConfigurations="no alarm here looks at them",
        OwnershipControls="one account owns everything here",
    ),
    "AWS::S3::BucketPolicy": _understood("Bucket PolicyDocument"),
    "AWS::SNS::Subscription": _understood(
        "Endpoint FilterPolicy FilterPolicyScope Protocol RawMessageDelivery TopicArn",
        DeliveryPolicy="a delivery is tried once here",
        RedrivePolicy="an undelivered message is lost here",
        SubscriptionRoleArn="only the roles of functions are enforced here",
    ),
    "AWS::SNS::Topic": _understood(
        "DisplayName Subscription Tags TopicName",
        KmsMasterKeyId=_NO_BILL,
        SignatureVersion="nothing here is signed",
        TracingConfig="there is no X-Ray here",
    ),
    "AWS::SQS::Queue": _understood(
        "DelaySeconds MaximumMessageSize MessageRetentionPeriod QueueName ReceiveMessageWaitTimeSeconds "
        "RedriveAllowPolicy RedrivePolicy Tags VisibilityTimeout",
        KmsMasterKeyId=_NO_BILL,
        SqsManagedSseEnabled=_NO_BILL,
    ),
    "AWS::StepFunctions::StateMachine": _understood(
        "Definition DefinitionS3Location DefinitionString DefinitionSubstitutions RoleArn StateMachineName "
        "StateMachineType Tags",
        LoggingConfiguration="the history of every execution is there to read",
        TracingConfiguration="there is no X-Ray here to send to",
    ),
}

MACHINE = _understood("StartAt States Comment Version QueryLanguage")
"""Fields of a state machine; TimeoutSeconds is ignored."""

STATES: dict[str, Understood] = {
    "Choice": _understood(f"Choices Default {_FIELDS}"),
    "Fail": _understood("Type Comment Error Cause ErrorPath CausePath"),
    "Map": _understood(
        "ItemProcessor ItemReader ItemSelector Items ItemsPath Iterator Label MaxConcurrency ToleratedFailureCount "
        f"ToleratedFailurePercentage Retry Catch QueryLanguage {_FIELDS}"
    ),
    "Parallel": _understood(f"Branches Retry Catch QueryLanguage {_FIELDS}"),
    "Pass": _understood(f"Result QueryLanguage {_FIELDS}"),
    "Succeed": _understood(_FIELDS),
    "Task": _understood(
        f"Resource TimeoutSeconds Retry Catch QueryLanguage {_FIELDS}",
        Credentials="only the roles of functions are enforced here",
        TimeoutSecondsPath="a task that takes long is waited for here; an Express execution has no end of five minutes",
    ),
    "Wait": _understood(f"Seconds SecondsPath Timestamp TimestampPath {_FIELDS}"),
}
"""Fields of every kind of state; ItemBatcher, ResultWriter, MaxConcurrencyPath and HeartbeatSeconds are ignored."""

RETRIER = _understood(
    "ErrorEquals IntervalSeconds BackoffRate MaxAttempts Comment",
    MaxDelaySeconds="retries of throttles that do not happen here would only be further apart",
    JitterStrategy="the load of one user needs no spreading",
)
