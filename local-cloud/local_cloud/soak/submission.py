"""Submits what is planned, as the host application does: by invoking submit-job, and by its queue.

A request whose outcome is unknown is sent again under its key, as its README tells a caller to.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..harness.description import Description
from ..host_app import HostApp, RefusedError
from .plan import Planned

_AT_ONCE = 4
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 120


@dataclass
class Submission:
    """The requests on their way to jobs."""

    app: HostApp
    cloud: Description
    mediaconvert: Any
    repeated: int = 0
    canceled: int = 0
    _timers: list[threading.Timer] = field(default_factory=list)

    def run(self, planned: list[Planned], has_room: Callable[[int], bool]) -> None:
        """Submits all; before each, waits until there is room after as many as it is told."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            sent = []
            for count, one in enumerate(planned):
                while not has_room(count):
                    time.sleep(0.1)
                sent.append(pool.submit(self._submit, one))
            for future in sent:
                future.result()

    def finish(self) -> None:
        """Waits for the cancellations."""
        for timer in self._timers:
            timer.join()

    def _submit(self, planned: Planned) -> None:
        if planned.via == "queue":
            self._until_it_works(lambda: self._enqueue(planned))
            return
        job_id = self._until_it_works(lambda: self.app.submit(planned.request)["jobId"])
        if planned.cancel_after is not None:
            timer = threading.Timer(planned.cancel_after, self._cancel, (job_id,))
            timer.start()
            self._timers.append(timer)

    def _enqueue(self, planned: Planned) -> None:
        self.app.enqueue(planned.request)

    def _until_it_works(self, send: Callable[[], Any]) -> Any:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return send()
            except (RefusedError, ClientError, BotoCoreError):
                if time.monotonic() > give_up_at:
                    raise
                self.repeated += 1
                time.sleep(_PAUSE_SECONDS)

    def _cancel(self, job_id: str) -> None:
        try:
            self.mediaconvert.cancel_job(Id=job_id)
            self.canceled += 1
        except self.mediaconvert.exceptions.ConflictException:
            pass  # It was faster.
