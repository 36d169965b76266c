use runtree_core::Payload;

struct Foreign;

#[derive(Clone, Payload)]
struct HasForeign {
    foreign: Foreign,
}

#[derive(Clone, Payload)]
struct Borrows<'a> {
    text: &'a str,
}

#[derive(Clone, Payload)]
#[payload(merged)]
struct Unknown {
    #[payload(skipped)]
    n: i64,
}

#[derive(Clone, Payload)]
struct UnknownField {
    #[payload(skipped)]
    n: i64,
}

#[derive(Clone, Payload)]
#[payload(serde, debug)]
struct Both {
    n: i64,
}

#[derive(Clone, serde::Serialize, Payload)]
#[payload(merge)]
enum Merges {
    A,
}

#[derive(Payload)]
struct NotClone {
    n: i64,
}

fn main() {}
