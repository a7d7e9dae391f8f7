//! The OpenAPI 3.1 description of the API for programs, from the Worker's own table of routes.

use latchkey_shared::exchange::typed;
use latchkey_shared::explain::FailWhy;
use latchkey_worker::core::api::{Call, ROUTES, Route, TokenScope};
use serde_json::{Map, Value, json};

/// Where the Worker serves it.
pub const FILE: &str = "worker/api/openapi.json";

/// The document as it is served.
pub fn document() -> String {
    let mut text = serde_json::to_string_pretty(&whole()).unwrap_or_default();
    text.push('\n');
    text
}

fn whole() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = if route.path.is_empty() { String::new() } else { format!("/{}", route.path) };
        let path = format!("/api/v1/homes/{{home}}{path}");
        let item = paths.entry(path).or_insert_with(|| json!({ "parameters": path_parameters(route) }));
        item[route.method.to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Codes of smart locks, for programs.",
            "description": "A token belongs to one home. An owner makes it in the portal, with the scopes that it needs.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "lk_[a-z2-7]{38}" },
            },
            "schemas": schemas(),
            "responses": { "Problem": {
                "description": "Why not. `code` is stable.",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
        },
    })
}

fn path_parameters(route: &Route) -> Value {
    let parameter = |name: &str, what: &str| json!({ "name": name, "in": "path", "required": true, "description": what, "schema": { "$ref": "#/components/schemas/Id" } });
    let mut all = vec![parameter("home", "The home to which the token belongs.")];
    if route.path.contains("{code}") {
        all.push(parameter("code", "The code."));
    }
    Value::Array(all)
}

fn operation(route: &Route) -> Value {
    let about = about(route.call);
    let mut responses = Map::new();
    let mut refusals = vec![400, 401, 403, 404, 429];
    if route.scope == TokenScope::CodesWrite {
        refusals.extend([409, 412, 413, 422]);
    }
    if route.call == Call::ChangeCode {
        refusals.push(428);
    }
    for status in refusals {
        responses.insert(status.to_string(), json!({ "$ref": "#/components/responses/Problem" }));
    }
    let mut good = json!({ "description": about.answer });
    if let Some(schema) = about.schema {
        good["content"] =
            json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
    }
    if matches!(route.call, Call::Code | Call::NewCode | Call::ChangeCode) {
        good["headers"] = json!({ "ETag": {
            "required": true,
            "description": "The version of the code's content, for If-Match. How it stands at the locks is not in it.",
            "schema": { "type": "string", "pattern": "^\"r[1-9][0-9]*\"$" },
        } });
    }
    if route.call == Call::NewCode {
        good["headers"]["Location"] =
            json!({ "required": true, "description": "The code.", "schema": { "type": "string" } });
    }
    responses.insert(about.status.to_string(), good);
    let mut operation = json!({
        "operationId": about.id,
        "summary": about.summary,
        "description": format!("Needs the scope `{}`.{}", route.scope.name(), about.more),
        "responses": responses,
    });
    if !about.parameters.is_empty() {
        operation["parameters"] = Value::Array(about.parameters);
    }
    if let Some(body) = about.body {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{body}") } } },
        });
    }
    operation
}

/// What is said of a route.
struct About {
    id: &'static str,
    summary: &'static str,
    more: &'static str,
    status: u16,
    answer: &'static str,
    schema: Option<&'static str>,
    body: Option<&'static str>,
    parameters: Vec<Value>,
}

fn read(id: &'static str, summary: &'static str, schema: &'static str) -> About {
    let (more, schema) = ("", Some(schema));
    About { id, summary, more, status: 200, answer: summary, schema, body: None, parameters: vec![] }
}

fn about(call: Call) -> About {
    match call {
        Call::Home => read("getHome", "The home.", "Home"),
        Call::People => read("listPeople", "The people of the home.", "People"),
        Call::Locks => read("listLocks", "The locks, as their hubs last reported them.", "Locks"),
        Call::Hubs => read("listHubs", "The hubs.", "Hubs"),
        Call::Codes => About {
            more: " Codes that are not revoked, also those that are over, in a lasting order.",
            parameters: [
                paging(a("Id")),
                vec![
                    query("kind", "Only this kind.", json!({ "$ref": "#/components/schemas/Kind" })),
                    query(
                        "state",
                        "Only codes in this state on some lock.",
                        json!({ "$ref": "#/components/schemas/State" }),
                    ),
                    query(
                        "label",
                        "Only codes whose name has this in it; a to z also match A to Z.",
                        json!({ "type": "string" }),
                    ),
                ],
            ]
            .concat(),
            ..read("listCodes", "A page of codes.", "Codes")
        },
        Call::Log => About {
            parameters: paging(json!({ "type": "string", "pattern": "^[0-9]{1,15}$" })),
            more: " What hubs saw, newest first.",
            ..read("listLog", "A page of the log.", "Log")
        },
        Call::Code => About {
            more: " A revoked code is there too, until it is off every lock and after.",
            ..read("getCode", "A code and how it stands on each lock.", "Code")
        },
        Call::NewCode => About {
            more: " Works where an owner has let the server issue codes, within those limits. The link is shown this \
                   once. With an Idempotency-Key the same request within 24 hours is answered the same.",
            status: 201,
            answer: "The code, with the link for the guest.",
            body: Some("NewCode"),
            parameters: vec![json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "One key for one code, such as the booking's number.",
                "schema": { "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$" },
            })],
            ..read("createCode", "Makes a code for a guest.", "MadeCode")
        },
        Call::ChangeCode => About {
            more: " The PIN stays: it comes out of the guest's link, is sealed again and forgotten.",
            body: Some("ChangeCode"),
            parameters: vec![version(true)],
            ..read("changeCode", "Extends, shortens, pauses or resumes a code.", "Code")
        },
        Call::RevokeCode => About {
            status: 204,
            answer: "It is revoked, now or before. Read it to see when it is off the locks.",
            schema: None,
            parameters: vec![version(false)],
            ..read("revokeCode", "Revokes a code for good.", "")
        },
    }
}

fn query(name: &str, what: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": what, "schema": schema })
}

fn paging(cursor: Value) -> Vec<Value> {
    vec![
        query(
            "limit",
            "How many at most.",
            json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 }),
        ),
        query("cursor", "`next` of the page before.", cursor),
    ]
}

fn version(required: bool) -> Value {
    json!({
        "name": "If-Match", "in": "header", "required": required,
        "description": "The ETag of the code as you read it, or `*`.",
        "schema": { "type": "string", "pattern": "^(\\*|\"r[1-9][0-9]*\")$" },
    })
}

fn object(fields: Value) -> Value {
    let required: Vec<String> =
        fields.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn list(of: &str, paged: bool) -> Value {
    let next = if paged { json!({ "type": ["string", "null"] }) } else { json!({ "type": "null" }) };
    object(json!({
        "items": { "type": "array", "items": { "$ref": format!("#/components/schemas/{of}") } },
        "next": next,
    }))
}

fn a(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn or_null(of: Value) -> Value {
    json!({ "oneOf": [of, { "type": "null" }] })
}

const TIME: &str = "An instant (RFC 3339), or a date or time by the home's clock: `2026-12-24T15:00:00Z`, \
                    `2026-12-24 15:00`, `2026-12-24`. A date alone as an end means that the whole day counts.";

/// What such a time looks like; whether there is such a day is another question.
const TIME_FORM: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?( ?(Z|[+-][0-9]{2}:[0-9]{2}))?)?$";

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let maybe = json!({ "type": ["string", "null"] });
    let flag = json!({ "type": "boolean" });
    let uses = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": 1000, "description": "How often it opens at most." });
    let hours = json!({
        "type": ["string", "null"],
        "description": "Weekly hours by the home's clock.",
        "examples": ["Mon-Fri 09:00-17:00; Sat 22:00-02:00", "always"],
    });
    let time = |description: &str| json!({ "type": ["string", "null"], "pattern": TIME_FORM, "description": description });
    let name = json!({
        "type": "string", "minLength": 1, "maxLength": 64,
        "description": "1 to 64 bytes, no control characters, no blanks around it.",
    });
    let mut code = code();
    let at = object(code_at_lock());
    let made = {
        let mut fields = code.clone();
        fields["link"] = json!({ "type": "string", "description": "For the guest, and to extend the stay. Keep it as you keep a key." });
        object(fields)
    };
    code = object(code);
    json!({
        "Id": { "type": "string", "pattern": "^[a-z2-7]{25}[aeimquy4]$" },
        "Time": { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" },
        "Kind": { "type": "string", "enum": ["primary", "standard", "guest", "duress"] },
        "State": { "type": "string", "enum": latchkey_worker::core::home::STATES },
        "Home": object(json!({
            "id": a("Id"), "name": text, "zone": { "type": "string", "description": "IANA time zone." },
            "seq": count, "offline_grace_seconds": count,
            "issuing": or_null(object(json!({
                "locks": { "type": ["array", "null"], "items": a("Id"), "description": "Null: every lock." },
                "max_seconds": { "type": ["integer", "null"], "description": "The longest stay." },
            }))),
        })),
        "Person": object(json!({ "id": a("Id"), "name": text, "role": { "type": "string", "enum": ["owner", "manager", "resident"] } })),
        "People": list("Person", false),
        "Hub": object(json!({ "id": a("Id"), "name": text, "online": flag, "last_seen": or_null(a("Time")), "seq": { "type": ["integer", "null"] } })),
        "Hubs": list("Hub", false),
        "Lock": object(json!({
            "id": a("Id"), "name": text, "hub": a("Id"), "driver": text, "reachable": flag,
            "unreachable_since": or_null(a("Time")),
            "battery": { "type": ["integer", "null"], "minimum": 0, "maximum": 100 },
            "locked": { "type": ["boolean", "null"] }, "free_slots": count, "pin_min": count, "pin_max": count,
            "confirms": { "type": "string", "enum": ["pin", "presence", "nothing"], "description": "What can be read back from the lock." },
            "reported": a("Time"),
        })),
        "Locks": list("Lock", false),
        "Code": code,
        "MadeCode": made,
        "CodeAtLock": at,
        "Codes": list("Code", true),
        "NewCode": {
            "type": "object",
            "properties": {
                "label": name,
                "locks": { "type": "array", "items": a("Id"), "minItems": 1, "maxItems": 32, "uniqueItems": true },
                "not_before": time(&format!("Absent: now. {TIME}")),
                "expires": { "type": "string", "pattern": TIME_FORM, "description": TIME },
                "hours": hours, "uses": uses,
                "note": { "type": ["string", "null"], "maxLength": 1000, "description": "For the guest alone." },
            },
            "required": ["label", "locks", "expires"],
            "additionalProperties": false,
        },
        "ChangeCode": {
            "type": "object",
            "description": "What is absent or null stays.",
            "properties": {
                "link": {
                    "type": "string", "pattern": "^([!-~]*#)?[A-Za-z0-9_-]{21}[AQgw]$",
                    "description": "The guest's link, or what follows its `#`.",
                },
                "not_before": time(TIME), "expires": time(TIME), "hours": hours, "uses": uses,
                "suspended": { "type": ["boolean", "null"] },
            },
            "required": ["link"],
            "additionalProperties": false,
        },
        "LogEntry": object(json!({
            "hub": a("Id"), "number": { "type": "integer", "minimum": 1 }, "at": a("Time"),
            "clock_unsure": { "type": "boolean", "description": "The hub did not know the time: it was then or later." },
            "event": { "type": "string", "examples": ["code_used", "code_put", "code_taken"] },
            "lock": or_null(a("Id")), "lock_name": maybe, "code": or_null(a("Id")), "label": maybe, "detail": maybe,
        })),
        "Log": list("LogEntry", true),
        "Problem": {
            "type": "object",
            "properties": {
                "type": text, "title": text, "status": { "type": "integer" }, "code": text, "detail": text,
                "hint": { "type": "string", "description": "What to do about it." },
            },
            "required": ["type", "title", "status", "code", "detail"],
            "additionalProperties": false,
        },
    })
}

fn code() -> Value {
    let maybe = json!({ "type": ["string", "null"] });
    json!({
        "id": a("Id"), "rev": { "type": "integer", "minimum": 1 }, "kind": a("Kind"), "label": { "type": "string" },
        "not_before": a("Time"), "expires": or_null(a("Time")), "hours": maybe,
        "uses": { "type": ["integer", "null"] }, "suspended": { "type": "boolean" },
        "holder": maybe, "made_by": maybe, "revoked": or_null(a("Time")),
        "shared": { "type": "boolean", "description": "Whether there is a guest's link to it." },
        "locks": { "type": "array", "items": a("CodeAtLock") },
    })
}

fn code_at_lock() -> Value {
    let why: Vec<&str> = FailWhy::ALL.iter().map(|why| why.name()).collect();
    json!({
        "lock": a("Id"), "name": { "type": ["string", "null"], "description": "Null: no hub reports it." },
        "state": a("State"), "since": a("Time"),
        "reason": { "type": "string", "description": format!("Why it does or does not open; for what failed one of {}.", why.join(", ")) },
        "opens": { "type": "boolean", "description": "Whether the door may open for it now." },
        "sentence": { "type": "string", "description": "Why, in words and by the home's clock." },
        "next_step": { "type": ["string", "null"] },
        "verified_at": or_null(a("Time")),
        "used": { "type": "integer", "minimum": 0 }, "last_used": or_null(a("Time")),
    })
}

/// Examples in the document are read by the code that reads requests.
pub fn examples_hold() -> bool {
    ["Mon-Fri 09:00-17:00; Sat 22:00-02:00", "always"].iter().all(|text| typed::parse_hours(text).is_ok())
}
