//! The stack's functions, as its operator handles them.

use aws_sdk_lambda::Client as Lambda;
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::Value;

use crate::Cloud;

/// A function error: `errorType` and `errorMessage`.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct FunctionError {
    /// The error's type.
    pub error_type: String,
    /// Its words.
    pub error_message: String,
}

/// A function of the stack.
pub struct Function {
    lambda: Lambda,
    name: String,
}

impl Function {
    /// The one with that logical id.
    pub async fn of(cloud: &Cloud, logical_id: &str) -> Self {
        let lambda = Lambda::new(&cloud.administrator);
        let functions = lambda.list_functions().send().await.unwrap().functions;
        let mut names = functions
            .unwrap_or_default()
            .into_iter()
            .filter_map(|function| function.function_name);
        let name = names.find(|name| name.contains(logical_id));
        Self {
            lambda,
            name: name.unwrap_or_else(|| panic!("the stack has no function {logical_id}")),
        }
    }

    /// Invokes it.
    ///
    /// # Errors
    /// The function's own.
    pub async fn invoke(&self, payload: &Value) -> Result<Value, FunctionError> {
        invoke(&self.lambda, &self.name, payload).await
    }

    /// Reserves a concurrency of 0, so that nobody can invoke it.
    pub async fn stop(&self) {
        let concurrency = self.lambda.put_function_concurrency().function_name(&self.name);
        let none = concurrency.reserved_concurrent_executions(0);
        none.send().await.unwrap();
    }

    /// Undoes [`Self::stop`].
    pub async fn start(&self) {
        let concurrency = self.lambda.delete_function_concurrency();
        concurrency.function_name(&self.name).send().await.unwrap();
    }

    /// Whether it takes what its queues hold.
    pub async fn take_messages(&self, enabled: bool) {
        let mappings = self.lambda.list_event_source_mappings().function_name(&self.name);
        let mappings = mappings.send().await.unwrap().event_source_mappings;
        for mapping in mappings.unwrap_or_default() {
            let mapping = self
                .lambda
                .update_event_source_mapping()
                .uuid(mapping.uuid.unwrap());
            mapping.enabled(enabled).send().await.unwrap();
        }
    }
}

/// Invokes a function by its name, and waits for its answer.
///
/// # Errors
/// The function's own.
pub async fn invoke(lambda: &Lambda, name: &str, payload: &Value) -> Result<Value, FunctionError> {
    let invocation = lambda.invoke().function_name(name);
    let answer = invocation.payload(Blob::new(payload.to_string())).send().await;
    let answer = answer.unwrap();
    let payload = answer.payload.unwrap().into_inner();
    match answer.function_error {
        None => Ok(serde_json::from_slice(&payload).unwrap()),
        Some(_) => Err(serde_json::from_slice(&payload).unwrap()),
    }
}
