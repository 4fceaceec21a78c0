"""`AWS::SecretsManager::Secret`: `Ref` and `GenerateSecretString`.

AWS answers a secret's ARN to `Ref` and generates its value by GetRandomPassword's rules
(`ExcludePunctuation` and the like). ministack answers the name, which no policy's Resource
matches, and knows only a length and `ExcludeCharacters`, so that a generated key may hold
characters an HTTP header does not carry.
"""

import json
from typing import Any

from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from .provisioner import Properties, Provisioned, add_type, call, provisioner_of, with_booleans

_TYPE = "AWS::SecretsManager::Secret"


def _secret_string(properties: Properties) -> str:
    generate = properties.get("GenerateSecretString")
    if not generate or properties.get("SecretString"):
        return properties.get("SecretString", "")
    options = with_booleans(generate)
    template = options.pop("SecretStringTemplate", None)
    key = options.pop("GenerateStringKey", None)
    options["PasswordLength"] = int(options.get("PasswordLength", 32))
    password = call(secretsmanager._get_random_password, options)["RandomPassword"]
    return json.dumps({**json.loads(template), key: password}) if template else password


def _name_of(arn: str) -> str:
    return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)


def fill() -> None:
    """Completes the type."""
    ministacks = provisioner_of(_TYPE)
    provisioners._sm_secret_string = _secret_string

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        _, attributes = ministacks["create"](logical_id, properties, stack_name)
        return attributes["Arn"], attributes

    def update(arn: str, old: Properties, new: Properties, *resource: Any) -> Provisioned:
        _, attributes = ministacks["update"](_name_of(arn), old, new, *resource)
        return attributes["Arn"], attributes

    def delete(arn: str, properties: Properties) -> None:
        ministacks["delete"](_name_of(arn), properties)

    add_type(_TYPE, create, update, delete)
