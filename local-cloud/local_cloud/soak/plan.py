"""What is submitted: chosen by the seed and the job's number alone."""

import random
from dataclasses import dataclass
from typing import Any, Literal

# How many of a hundred jobs have each profile. Those of many files are few: each file is three calls to S3.
_PROFILES = {"audio": 50, "mp4": 40, "hls": 5, "dash-hls": 5}
_MISSING_INPUT = 0.05
_CANCELED = 0.05
_QUEUED = 0.5


@dataclass(frozen=True)
class Planned:
    """One job."""

    number: int
    key: str
    profile: str
    via: Literal["invoke", "queue"]
    # How many seconds after its submission somebody cancels it.
    cancel_after: float | None
    input: str

    @property
    def request(self) -> dict[str, Any]:
        """What submit-job gets."""
        return {
            "input": self.input,
            "profile": self.profile,
            "outputKey": f"soak/{self.number}",
            "idempotencyKey": self.key,
            "userMetadata": {"soak": str(self.number)},
        }


def plan(seed: int, jobs: int, clip: str) -> list[Planned]:
    """The jobs in order: first one of each profile, which is transcoded, so that the others need not be."""
    first = [
        Planned(number, f"soak-{seed}-{number}", profile, "invoke", None, clip)
        for number, profile in enumerate(_PROFILES)
    ]
    return [*first, *(_planned(seed, number, clip) for number in range(len(first), jobs))][:jobs]


def warm_up() -> int:
    """How many jobs at the beginning of a plan are to end before the others start."""
    return len(_PROFILES)


def _planned(seed: int, number: int, clip: str) -> Planned:
    chance = random.Random(f"{seed}/{number}")
    [profile] = chance.choices(list(_PROFILES), list(_PROFILES.values()))
    end = chance.random()
    is_missing, is_canceled = end < _MISSING_INPUT, _MISSING_INPUT <= end < _MISSING_INPUT + _CANCELED
    return Planned(
        number=number,
        key=f"soak-{seed}-{number}",
        profile=profile,
        # Whom the queue serves nobody tells the job's id in time to cancel it.
        via="queue" if not is_canceled and chance.random() < _QUEUED else "invoke",
        cancel_after=chance.uniform(0, 3) if is_canceled else None,
        input=f"{clip}.missing" if is_missing else clip,
    )
