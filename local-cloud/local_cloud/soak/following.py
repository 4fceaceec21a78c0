"""How far the jobs are: by the simulator's event log, and by their rows."""

import threading
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .truth import TERMINAL, EventLog

_POLL_SECONDS = 1
# Few, so that looking costs little beside what is looked at.
_ROWS_AT_ONCE = 40


class Following:
    """Runs on a thread of its own."""

    def __init__(self, log: EventLog, dynamodb: Any, table: str) -> None:
        self.log = log
        # By number: jobs that have ended, as the simulator has it, and as their rows do.
        self.ended: set[int] = set()
        self.told: set[int] = set()
        # Their end was dropped, so no row tells it before somebody asks.
        self.silent: set[int] = set()
        self._awaited: dict[str, int] = {}
        self._dynamodb = dynamodb
        self._table = table
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Following":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self._read_on()
            # ministack may be busy; there is a next time.
            with suppress(ClientError, BotoCoreError):
                self._look_at_rows()

    def _read_on(self) -> None:
        for event in self.log.read_on():
            if event.status in TERMINAL:
                self.ended.add(event.number)
                if event.dropped:
                    self.silent.add(event.number)
                else:
                    self._awaited[event.job_id] = event.number

    def _look_at_rows(self) -> None:
        oldest = list(self._awaited)[:_ROWS_AT_ONCE]
        if not oldest:
            return
        request = {"Keys": [{"jobId": {"S": job_id}} for job_id in oldest], "ProjectionExpression": "jobId, #s"}
        request["ExpressionAttributeNames"] = {"#s": "status"}
        answer = self._dynamodb.batch_get_item(RequestItems={self._table: request})
        for row in answer["Responses"][self._table]:
            if row.get("status", {}).get("S") in TERMINAL:
                self.told.add(self._awaited.pop(row["jobId"]["S"]))
