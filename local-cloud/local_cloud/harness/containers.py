"""The container engine that `sam local invoke` runs a function in, asked the way its user would: by `docker`."""

import ipaddress
import json
import subprocess

from .progress import step

# What SAM builds its own image from for `provided.al2023` on x86_64.
_IMAGE = "public.ecr.aws/lambda/provided:al2023-x86_64"


class NoContainersError(Exception):
    """No function can run in a container here; says what is missing."""


def prepare() -> None:
    """Has the functions' image at hand: the one that is here, or else the registry's."""
    _docker("version")
    try:
        _docker("image", "inspect", _IMAGE)
    except NoContainersError:
        with step("Pull the functions' image"):
            _docker("pull", "--quiet", _IMAGE)


def host_address() -> str:
    """Where a container on Docker's default network finds this machine."""
    networks = json.loads(_docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"))
    for network in networks:
        subnet = ipaddress.ip_network(network["Subnet"])
        if subnet.version == 4:
            # An engine that chose the address itself may leave it out; it chooses the first.
            return network.get("Gateway") or str(subnet[1])
    raise NoContainersError("docker's network `bridge` has no IPv4 subnet")


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise NoContainersError("there is no `docker` on the PATH") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"ended with status {done.returncode}"]
        raise NoContainersError(f"`docker {arguments[0]}`: {reason[-1]}")
    return done.stdout
