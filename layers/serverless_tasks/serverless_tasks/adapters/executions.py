"""Executions of the fan-out state machine, and of its fast lane."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from serverless_tasks.core.task.entity import TaskEntity


def execution_name(task: TaskEntity) -> str:
    """The task's code, and after a retry the run: started twice, it runs once."""
    return f"{task.code}-{task.run}" if task.run else task.code


class Executions:
    """Starts and stops executions."""

    def __init__(self, client: Any, state_machine_arn: str, fast_lane_arn: str = "") -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn
        self._fast_lane_arn = fast_lane_arn

    def start(self, task: TaskEntity) -> str:
        """Start the execution of this task and run, unless it was started before; return its ARN."""
        return self._start(self._state_machine_arn, task)

    def start_lane(self, task: TaskEntity) -> str:
        """Start a lane for this task and run, beside any other one; return its ARN.

        It has the name of the execution to which it hands over.
        """
        return self._start(self._fast_lane_arn, task)

    def _start(self, machine: str, task: TaskEntity) -> str:
        name = execution_name(task)
        payload = json.dumps({"pk": task.pk, "sk": task.sk, "run": task.run}, separators=(",", ":"))
        try:
            answer = self._client.start_execution(stateMachineArn=machine, name=name, input=payload)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            return _arn(machine, name)
        arn: str = answer["executionArn"]
        return arn

    def is_in_lane(self, task: TaskEntity) -> bool:
        """Whether the execution that the task names is none of the state machine's own."""
        return task.execution_arn != self._arn(task)

    def is_running(self, task: TaskEntity) -> bool | None:
        """Whether the execution of this task and run is running, False when it has ended, None when there is none."""
        try:
            answer = self._client.describe_execution(executionArn=self._arn(task))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return None
        return bool(answer["status"] == "RUNNING")

    def stop(self, task: TaskEntity) -> None:
        """Stop the execution of this task and run. One that has ended, is gone or never was is no error.

        A lane cannot be stopped: it learns of the end from the table.
        """
        try:
            self._client.stop_execution(executionArn=self._arn(task), cause="the task was cancelled")
        except ClientError as error:
            if not _is_over(error.response["Error"]):
                raise

    def _arn(self, task: TaskEntity) -> str:
        return _arn(self._state_machine_arn, execution_name(task))


def _arn(machine: str, name: str) -> str:
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _is_over(error: Mapping[str, Any]) -> bool:
    """Whether there is nothing to stop. The second is the local engine's answer for an execution that has ended."""
    code = error["Code"]
    return code == "ExecutionDoesNotExist" or (code == "ValidationException" and "not running" in error["Message"])
