//! What secrets look like.
//!
//! Where the end of a pattern is open it takes all that could still be secret: text that is cut off is masked to its
//! end. Boundaries and most classes are of ASCII, which keeps the automata small. What is masked already is matched
//! as a whole, or by no pattern: a run may come by twice.

use std::sync::LazyLock;

use super::{Rule, Rules};

const MASK: &str = "[SECRET_DETECTED]";
const DEPTH: usize = 24;

/// How keys end whose text is secret, whatever it looks like. `token` alone is none of them: models speak in tokens.
const KEYS: &str = concat!(
    r"(?i)(?:api[_-]?keys?|(?:secret|private|access|account|encryption|signing)[_-]?key|secret",
    r"|(?:access|refresh|id|auth|bearer|session|security|csrf)[_-]?token|pass(?:word|wd|phrase|code)|pwd",
    r"|authorization|cookies?|credentials?|connection[_-]?string)$",
);

/// What stands between a key and its value, in code, JSON, YAML or a query; the quotes of JSON in JSON are escaped.
macro_rules! is {
    () => {
        r#"(?-u:[\\"'`]{0,4}\s{0,4}(?::=|=>|=|:)\s{0,4})"#
    };
}
/// What may open a value.
macro_rules! quote {
    () => {
        r#"(?-u:[\\"'`]{0,4})"#
    };
}
macro_rules! password {
    () => {
        r"(?i:pass(?:word|wd|phrase|code)|(?-u:\b|_)pwd)"
    };
}
/// The first two characters of a value without quotes of its own. All may follow that the mask is made of.
macro_rules! word {
    () => {
        r#"[^\s"'`\\,;&<>{}()][^\s"'`\\,;&<>]"#
    };
}

/// Patterns. What matched the groups `kept` and `after` stays.
const PATTERNS: &[&str] = &[
    // Blocks and lines.
    concat!(
        r"-----BEGIN (?-u:[A-Z0-9 ]{0,40})PRIVATE KEY(?: BLOCK)?-----",
        r"(?s:.*?)(?:-----END (?-u:[A-Z0-9 ]{0,40})PRIVATE KEY(?: BLOCK)?-----|\z)"
    ),
    concat!(
        r"(?<kept>(?i:authorization)",
        is!(),
        quote!(),
        r"(?i:(?:basic|bearer|digest|negotiate|token|apikey|aws4-hmac-sha256) {1,4})?)",
        r#"[^\s"'`\\,}][^\r\n"'`\\}]*"#
    ),
    concat!(r"(?<kept>(?i:cookie)", is!(), quote!(), r#")[^\s"'`\\][^\r\n"'`\\]*"#),
    r"(?<kept>(?i:bearer)(?-u:\s{1,4}))(?-u:[A-Za-z0-9._~+/=-]{8,})",
    r#"(?<kept>(?-u:[A-Za-z][A-Za-z0-9+.-]{1,20})://[^\s/:@"'<>]{0,256}:)[^\s/"'<>]+(?<after>@)"#,
    // Keys and their values.
    concat!(r"(?<kept>", password!(), is!(), r#"\\{0,2}")[^"\r\n]+"#),
    concat!(r"(?<kept>", password!(), is!(), r"\\{0,2}')[^'\r\n]+"),
    concat!(r"(?<kept>", password!(), is!(), r#")[^\s"'`\\,;&<>]+"#),
    concat!(
        r"(?<kept>(?i:api[_-]?key|secret[_-]?(?:access[_-]?)?(?:key|token)?|client[_-]?secret|credentials?",
        r"|(?:private|access|account|encryption|signing)[_-]?key|shared[_-]?access[_-]?(?:key|signature))",
        is!(),
        quote!(),
        ")",
        word!(),
        "{5,}"
    ),
    concat!(
        r"(?<kept>(?i:(?:access|refresh|id|auth|bearer|session|security|csrf|api)[_-]?token)",
        is!(),
        quote!(),
        ")",
        word!(),
        "{5,}"
    ),
    concat!(r"(?<kept>(?i:token)", is!(), quote!(), r")(?-u:[A-Za-z0-9_./+~=-]{16,})"),
    r"(?<kept>[?&](?i:key|sig|signature|code|x-(?:amz|goog)-(?:signature|credential|security-token))=)[^\s&#]{6,}",
    // Shapes of their own: JSON web tokens; OpenAI, Anthropic, OpenRouter and others; LangSmith; runtree; AWS; GitHub;
    // GitLab; Slack; Google; Stripe; those that run models; Twilio and SendGrid; registries; clouds and tools; Vault,
    // Telegram and age.
    r"eyJ(?-u:[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})(?:\.(?-u:[A-Za-z0-9_-]*)){0,3}",
    r"(?<kept>^|[^A-Za-z])sk-(?-u:[A-Za-z0-9_-]{12,})",
    r"(?-u:lsv2_[A-Za-z0-9_]{16,}|ls__[A-Za-z0-9_]{16,})",
    r"(?-u:rt_(?:live|test)_[A-Za-z0-9_-]{12,})",
    r"(?-u:(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,})",
    r"(?-u:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})",
    r"(?-u:gl(?:pat|ptt|dt|rt|soat|cbt)-[A-Za-z0-9_-]{16,})",
    r"(?-u:xox[abeoprs]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,})",
    r"(?-u:hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]+)",
    r"(?-u:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{16,}|GOCSPX-[A-Za-z0-9_-]{16,})",
    r"(?-u:[rsp]k_(?:live|test)_[A-Za-z0-9]{12,}|whsec_[A-Za-z0-9+/=]{16,})",
    r"(?-u:(?:hf_|r8_|gsk_|xai-|pplx-)[A-Za-z0-9]{20,}|(?:nvapi|tvly)-[A-Za-z0-9_-]{16,})",
    r"(?-u:SK[0-9a-f]{32}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})",
    r"(?-u:npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{16,}|dckr_pat_[A-Za-z0-9_-]{16,})",
    r"(?-u:dapi[0-9a-f]{32}|do[opr]_v1_[0-9a-f]{32,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})",
    r"(?-u:(?:lin_api|ntn)_[A-Za-z0-9]{20,})",
    r"(?-u:\bhv[sbr]\.[A-Za-z0-9_-]{16,}|\b[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}|AGE-SECRET-KEY-1[A-Z0-9]{16,})",
];

pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let template = format!("${{kept}}{MASK}${{after}}");
    let rule = |pattern: &&str| {
        let rule = Rule::new(pattern).expect("a test reads every pattern");
        if pattern.contains("(?<kept>") { rule.with_template(template.clone()) } else { rule }
    };
    let rules = Rules::new(PATTERNS.iter().map(rule)).with_mask(MASK).with_max_depth(DEPTH);
    rules.with_keys(KEYS).expect("a test reads every pattern")
});
