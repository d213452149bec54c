"""AWS's part that moto leaves out: the stream's event source with its filter, and running state machines."""

import json
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.models import stepfunctions_backends
from serverless_tasks.testing import VirtualClock

from tests.support.asl import Execution, Invoke, Usage
from tests.support.clients import ACCOUNT, REGION, driver_client
from tests.support.resources import Resources


class Stream:
    """Reads the table's stream; what the function's filter lets through waits in ``records`` until it was taken."""

    def __init__(self, resources: Resources, function: str) -> None:
        self.records: list[dict[str, Any]] = []
        self._filters = resources.stream_filters(function)
        client, arn = driver_client("dynamodbstreams"), resources.stream_arn
        [shard] = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        self._iterator = client.get_shard_iterator(**place)["ShardIterator"]

    def waiting(self) -> list[dict[str, Any]]:
        """The records that wait, oldest first."""
        if not self.records:
            answer = driver_client("dynamodbstreams").get_records(ShardIterator=self._iterator)
            self._iterator = answer["NextShardIterator"]
            self.records = [r for r in answer["Records"] if any(matches(pattern, r) for pattern in self._filters)]
        return self.records


class StateMachine:
    """Runs the executions that moto only starts and stops."""

    express = False

    def __init__(self, resources: Resources, name: str, invoke: Invoke, clock: VirtualClock, usage: Usage) -> None:
        self.usage = usage
        self.executions: dict[str, Execution] = {}
        self._definition = resources.definitions[name]
        self._invoke = invoke
        self._clock = clock
        self._known = stepfunctions_backends[ACCOUNT][REGION].describe_state_machine(resources.name(name))

    def running(self) -> list[Execution]:
        """The open executions. What ended here has ended for moto, and the other way round."""
        for theirs in self._known.executions:
            mine = self.executions.get(theirs.execution_arn) or self._begin(theirs)
            if theirs.status == "RUNNING":
                theirs.status = mine.status
            else:
                mine.status = theirs.status
        return [execution for execution in self.executions.values() if execution.status == "RUNNING"]

    def _begin(self, theirs: Any) -> Execution:
        context = {"Execution": {"Id": theirs.execution_arn, "Name": theirs.name}}
        data = json.loads(theirs.execution_input)
        new = Execution(self._definition, self._invoke, self._clock, self.usage, context, data, express=self.express)
        self.executions[theirs.execution_arn] = new
        return new


class ExpressStateMachine(StateMachine):
    """The same of the type EXPRESS: executions of one name run side by side, and nobody can stop or describe one.

    Moto knows no difference. So each gets an ARN of its own, as on AWS, by which moto finds it neither.
    """

    express = True

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        start, begun = self._known.start_execution, self._known.executions

        def start_another(*given: Any, **named: Any) -> Any:
            others = list(begun)
            begun.clear()  # so that none has the name
            new = start(*given, **named)
            begun[:0] = others
            region, account, machine = REGION, ACCOUNT, self._known.name
            new.execution_arn = f"arn:aws:states:{region}:{account}:express:{machine}:{new.name}:{len(begun)}"
            return new

        self._known.start_execution = start_another


def matches(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether an event filter with lists of literals lets a record through; other rules are not understood."""
    for name, rule in pattern.items():
        found = record.get(name)
        if isinstance(rule, list):
            if not all(isinstance(value, str) for value in rule):
                raise ValueError(f"filter rule {rule} is not understood here")
            if found not in rule:
                return False
        elif not isinstance(found, Mapping) or not matches(rule, found):
            return False
    return True
