"""Names that CloudFormation makes for queues.

On AWS a queue without a `QueueName` gets one that no queue ever had. ministack makes it of the stack's
and the resource's names alone: a stack created anew takes the place of its predecessor's queue, and
empties it, where the predecessor's deletion kept it.
"""

import secrets

from ministack.services.cloudformation import provisioners

from .provisioner import Properties, Provisioned, add_type, provisioner_of

_TYPE = "AWS::SQS::Queue"


def fill() -> None:
    """Seeds each queue's name at its creation; ministack remembers the seed for updates."""
    ministacks = provisioner_of(_TYPE)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        if not (properties.get("QueueName") or provisioners._NAME_SEED.get()):
            provisioners._NAME_SEED.set(secrets.token_hex(4))
        return ministacks["create"](logical_id, properties, stack_name)

    add_type(_TYPE, create, ministacks["update"], ministacks["delete"])
