//! What every operation of a kind may answer, whatever it does: put into the document at one place.
//!
//! Each route says what is its own; that a body is no JSON, or that a query cannot be read, is the same for all of them.

use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};

use crate::idempotency;

/// For what is sent with a body.
const OF_BODIES: [(&str, &str); 4] = [
    ("400", "the body is no JSON"),
    ("413", "the body is too long"),
    ("415", "the body is not sent as JSON"),
    ("422", "fields are not as they must be: see `errors`"),
];
/// For what is asked with a query.
const OF_QUERIES: [(&str, &str); 1] = [("422", "parameters are not as they must be: see `errors`")];
/// For what changes something with the session's cookie.
const OF_COOKIES: [(&str, &str); 1] = [("403", "not allowed, or the header `X-CSRF-Token` is missing or wrong")];
/// For what changes something.
const OF_CHANGES: [(&str, &str); 1] = [("429", "too many at once: try again after `Retry-After`")];
/// For what takes `Idempotency-Key`.
const OF_KEYS: [(&str, &str); 2] = [
    (
        "409",
        "`answered-once`, `worked-on` or `outcome-unknown`: what is known of the request with this `Idempotency-Key`",
    ),
    ("422", "the `Idempotency-Key` is malformed, or stands for another request"),
];
/// For all.
const OF_ALL: [(&str, &str); 1] = [("503", "the server cannot do it now: try again")];

/// Adds what routes do not say of themselves. What they say stays.
pub(crate) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let is_query =
                |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.parameter_in == ParameterIn::Query);
            let takes_query = operation.parameters.iter().flatten().any(is_query);
            let changes = !matches!(method, HttpMethod::Get | HttpMethod::Head | HttpMethod::Options);
            if operation.request_body.is_some() {
                add(operation, &OF_BODIES);
            }
            if takes_query {
                add(operation, &OF_QUERIES);
            }
            if method == HttpMethod::Post && !idempotency::is_without(path) {
                operation.parameters.get_or_insert_default().push(RefOr::T(key()));
                add(operation, &OF_KEYS);
            }
            if changes {
                add(operation, &OF_CHANGES);
            }
            // The earlier systems' routes have answers of their own.
            if path.starts_with("/api/") {
                if changes {
                    add(operation, &OF_COOKIES);
                }
                add(operation, &OF_ALL);
            }
        }
    }
}

/// The header that makes a request be done once.
fn key() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Sent again with the same key, the same request is done once and answered the same."))
        .schema(Some(schema))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn add(operation: &mut Operation, responses: &[(&str, &str)]) {
    for (status, description) in responses {
        let documented = &mut operation.responses.responses;
        documented.entry((*status).to_owned()).or_insert_with(|| RefOr::T(problem(description)));
    }
}

fn problem(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn what_all_operations_of_a_kind_answer_is_documented_of_each() {
        let document: Value = serde_json::from_str(&crate::routes::document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        let mut seen = 0;
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("operations") {
                let has = |status: &str| operation["responses"].get(status).is_some();
                if operation.get("requestBody").is_some() {
                    assert!(has("400") && has("413") && has("415") && has("422"), "{method} {path}");
                    seen += 1;
                }
                let parameters = operation["parameters"].as_array();
                let asks = parameters.is_some_and(|all| all.iter().any(|one| one["in"] == "query"));
                assert!(!asks || has("422"), "{method} {path}");
                let named = |one: &Value| one["name"] == "Idempotency-Key" && one["in"] == "header";
                let takes_key = parameters.is_some_and(|all| all.iter().any(named));
                let once = method == "post" && !crate::idempotency::is_without(path);
                assert_eq!(takes_key, once, "{method} {path}");
            }
        }
        assert!(seen > 20, "{seen}");
        let me = &document["paths"]["/api/v1/me"]["patch"]["responses"];
        assert_eq!(me["415"]["content"]["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem");
    }
}
