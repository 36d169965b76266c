//! The graph of a chain, its drawings, and the schemas of its ends.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use insta::assert_snapshot;
use runtree_core::shape::{Parts, Shape, titled};
use runtree_core::{BoxRunnable, ErrorKind, Fields, Flow, RunType};
use runtree_runnables::graph::{Curve, Direction, Edge, Graph, Mermaid, Node, NodeId};
use runtree_runnables::messages::PromptValue;
use runtree_runnables::models::fake::FakeListChatModel;
use runtree_runnables::parsers::StrOutputParser;
use runtree_runnables::prompts::PromptTemplate;
use runtree_runnables::{RunnableAssign, RunnableExt, RunnableLambda, RunnableParallel, RunnablePassthrough};
use serde_json::{Value, json};

fn shape(name: &'static str, input: &str, output: &str) -> Shape {
    let schema = |title: &str| titled(json!({}), title);
    Shape {
        name: name.into(),
        run_type: RunType::Chain,
        flow: Flow::Chunks,
        input: schema(input),
        output: schema(output),
        parts: Parts::Step,
        config: Vec::new(),
    }
}

fn step(name: &'static str) -> Shape {
    shape(name, &format!("{name}_input"), &format!("{name}_output"))
}

fn sequence(steps: impl Into<Vec<Shape>>) -> Shape {
    step("RunnableSequence").parts(Parts::Sequence(steps.into()))
}

fn branches<const COUNT: usize>(branches: [(&str, Shape); COUNT]) -> Vec<(String, Shape)> {
    branches.map(|(key, branch)| (key.to_owned(), branch)).into()
}

/// `prompt | {a: model | parser, b: passthrough} | join`.
fn forked() -> Shape {
    let prompt = Shape { flow: Flow::Whole, ..shape("PromptTemplate", "PromptInput", "PromptTemplateOutput") };
    let a = sequence([step("FakeListChatModel"), step("StrOutputParser")]);
    let fork = shape("RunnableParallel<a,b>", "RunnableParallel<a,b>Input", "RunnableParallel<a,b>Output")
        .parts(Parts::Parallel(branches([("a", a), ("b", step("RunnablePassthrough"))])));
    sequence([prompt, fork, step("join")])
}

fn add(name: &'static str) -> BoxRunnable<i64, i64> {
    RunnableLambda::map(name, |x: i64| x + 1).boxed()
}

/// A graph of named nodes; each edge as `source target`.
fn named(nodes: &[&str], edges: &[&str]) -> Graph {
    let mut graph = Graph::new();
    for name in nodes {
        graph.add_named_node(*name, Node::runnable(*name)).unwrap();
    }
    for edge in edges {
        let (source, target) = edge.split_once(' ').unwrap();
        graph.add_edge(Edge::new(source, target)).unwrap();
    }
    graph
}

fn pairs(graph: &Graph) -> Vec<String> {
    let json = graph.to_json();
    let name =
        |place: &Value| json["nodes"][place.as_u64().unwrap() as usize]["data"]["name"].as_str().unwrap().to_owned();
    let edges = json["edges"].as_array().unwrap().iter();
    edges.map(|edge| format!("{} -> {}", name(&edge["source"]), name(&edge["target"]))).collect()
}

#[test]
fn a_chain_with_a_fork_has_the_nodes_and_edges_of_langchain() {
    let json = Graph::of(&forked()).to_json();
    let nodes = json["nodes"].as_array().unwrap().iter();
    let nodes: Vec<_> =
        nodes.map(|node| (node["type"].as_str().unwrap(), node["data"]["name"].as_str().unwrap())).collect();
    let expected = [
        ("schema", "PromptInput"),
        ("runnable", "PromptTemplate"),
        ("schema", "Parallel<a,b>Input"),
        ("schema", "Parallel<a,b>Output"),
        ("runnable", "FakeListChatModel"),
        ("runnable", "StrOutputParser"),
        ("runnable", "Passthrough"),
        ("runnable", "join"),
        ("schema", "join_output"),
    ];
    assert_eq!(nodes, expected);
    let edges = [(0, 1), (4, 5), (2, 4), (5, 3), (2, 6), (6, 3), (1, 2), (7, 8), (3, 7)];
    let edges: Vec<_> = edges.iter().map(|(source, target)| json!({"source": source, "target": target})).collect();
    assert_eq!(json["edges"], json!(edges));
}

#[test]
fn mermaid_is_that_of_langchain() {
    let graph = Graph::of(&forked());
    let edges = "\tPromptInput --> PromptTemplate;\n\tFakeListChatModel --> StrOutputParser;\n\tParallel\\3ca\\2cb\\3eInput --> FakeListChatModel;\n\tStrOutputParser --> Parallel\\3ca\\2cb\\3eOutput;\n\tParallel\\3ca\\2cb\\3eInput --> Passthrough;\n\tPassthrough --> Parallel\\3ca\\2cb\\3eOutput;\n\tPromptTemplate --> Parallel\\3ca\\2cb\\3eInput;\n\tjoin --> join_output;\n\tParallel\\3ca\\2cb\\3eOutput --> join;\n";
    assert_eq!(graph.draw_mermaid_with(&Mermaid::unstyled()), format!("graph TD;\n{edges}"));
    let front = "---\nconfig:\n  flowchart:\n    curve: linear\n---\n";
    let nodes = "\tPromptInput([PromptInput]):::first\n\tPromptTemplate(PromptTemplate)\n\tParallel\\3ca\\2cb\\3eInput(Parallel<a,b>Input)\n\tParallel\\3ca\\2cb\\3eOutput(Parallel<a,b>Output)\n\tFakeListChatModel(FakeListChatModel)\n\tStrOutputParser(StrOutputParser)\n\tPassthrough(Passthrough)\n\tjoin(join)\n\tjoin_output([join_output]):::last\n";
    let classes = "\tclassDef default fill:#f2f0ff,line-height:1.2\n\tclassDef first fill-opacity:0\n\tclassDef last fill:#bfb6fc\n";
    assert_eq!(graph.draw_mermaid(), format!("{front}graph TD;\n{nodes}{edges}{classes}"));
}

#[test]
fn a_fork_and_its_join_are_drawn_side_by_side() {
    assert_snapshot!(Graph::of(&forked()), @r"
                 +-------------+
                 | PromptInput |
                 +-------------+
                        |
                        v
               +----------------+
               | PromptTemplate |
               +----------------+
                        |
                        v
             +--------------------+
             | Parallel<a,b>Input |
             +--------------------+
                        |
              +---------+----------+
              v                    v
    +-------------------+   +-------------+
    | FakeListChatModel |   | Passthrough |
    +-------------------+   +-------------+
              |                    |
              v                    |
     +-----------------+           |
     | StrOutputParser |           |
     +-----------------+           |
              |                    |
              +---------+----------+
                        v
             +---------------------+
             | Parallel<a,b>Output |
             +---------------------+
                        |
                        v
                    +------+
                    | join |
                    +------+
                        |
                        v
                 +-------------+
                 | join_output |
                 +-------------+
    ");
}

#[test]
fn real_chains_have_graphs() {
    let chain = add("add").pipe(RunnableParallel::new().with("n", add("add")).with("same", RunnablePassthrough::new()));
    let chain = chain.assign("total", RunnableLambda::map("total", |_: Fields| 1));
    assert_snapshot!(chain.graph(), @r"
           +-----------+
           | add_input |
           +-----------+
                 |
                 v
             +-------+
             | add_1 |
             +-------+
                 |
                 v
     +-----------------------+
     | Parallel<n,same>Input |
     +-----------------------+
                 |
         +-------+-------+
         v               v
     +-------+   +---------------+
     | add_2 |   | Passthrough_1 |
     +-------+   +---------------+
         |               |
         +-------+-------+
                 v
    +------------------------+
    | Parallel<n,same>Output |
    +------------------------+
                 |
                 v
     +----------------------+
     | Parallel<total>Input |
     +----------------------+
                 |
         +-------+-------+
         v               v
     +-------+   +---------------+
     | total |   | Passthrough_2 |
     +-------+   +---------------+
         |               |
         +-------+-------+
                 v
     +-----------------------+
     | Parallel<total>Output |
     +-----------------------+
    ");
}

/// `prompt | {a: model | parser, b: passthrough} | join`, and its schemas.
#[test]
fn a_chain_of_components_has_the_graph_and_schemas_of_langchain() {
    let answer = FakeListChatModel::new(["yes"]).pipe(StrOutputParser::new());
    let both = RunnableParallel::new().with("a", answer).with("b", RunnablePassthrough::<PromptValue>::new());
    let prompt = PromptTemplate::new("Q {x} {your_name}").unwrap();
    let chain = prompt.clone().pipe(both).pipe(RunnableLambda::map("join", |_: Fields| String::new()));
    let unstyled = Mermaid::unstyled();
    assert_eq!(chain.graph().draw_mermaid_with(&unstyled), Graph::of(&forked()).draw_mermaid_with(&unstyled));
    let waiting: Vec<_> = chain.graph().waiting().map(|node| node.name.clone()).collect();
    assert_eq!(waiting[0], "PromptTemplate");

    let text = |title| json!({"title": title, "type": "string"});
    let fields = json!({"x": text("X"), "your_name": text("Your Name")});
    let input = json!({"properties": fields, "required": ["x", "your_name"], "title": "PromptInput", "type": "object"});
    assert_eq!(chain.input_schema(), input);
    assert_eq!(chain.output_schema(), text("join_output"));

    let answered =
        RunnableAssign::<Fields>::new().with("x", RunnableLambda::map("x", |_: Fields| 1)).pipe(prompt.clone());
    let rest = json!({"properties": {"your_name": text("Your Name")}, "required": ["your_name"], "title": "RunnableSequenceInput", "type": "object"});
    assert_eq!(answered.input_schema(), rest);

    let numbers = || {
        RunnableParallel::new().with("n", add("add1")).with("s", RunnableLambda::map("to_s", |x: i64| x.to_string()))
    };
    let integer = |title| json!({"title": title, "type": "integer"});
    let fields = json!({"n": integer("N"), "s": text("S")});
    let output =
        json!({"properties": fields, "required": ["n", "s"], "title": "RunnableParallel<n,s>Output", "type": "object"});
    assert_eq!(numbers().output_schema(), output);
    assert_eq!(numbers().input_schema(), integer("RunnableParallel<n,s>Input"));
    assert_eq!(numbers().pick("n").output_schema(), integer("RunnableSequenceOutput"));
    assert_eq!(numbers().pick_as::<i64>("n").output_schema(), integer("RunnableSequenceOutput"));
    let subset =
        json!({"properties": {"s": text("S")}, "required": ["s"], "title": "RunnableSequenceOutput", "type": "object"});
    assert_eq!(numbers().pick_all(["s"]).output_schema(), subset);
    let total = numbers().assign("total", RunnableLambda::map("total", |_: Fields| 1_i64)).output_schema();
    assert_eq!(total["required"], json!(["n", "s", "total"]));
    assert_eq!(total["title"], "RunnableSequenceOutput");
}

#[test]
fn an_assign_is_its_branches_beside_a_passthrough() {
    let total = RunnableAssign::<Fields>::new().with("total", RunnableLambda::map("total", |_: Fields| 1));
    let expected = [
        "Parallel<total>Input -> total",
        "total -> Parallel<total>Output",
        "Parallel<total>Input -> Passthrough",
        "Passthrough -> Parallel<total>Output",
    ];
    assert_eq!(pairs(&total.graph()), expected);
}

#[test]
fn nested_forks_keep_their_ends() {
    let fork = |name, keys: [&str; 2], inner: Shape| {
        let own = shape(name, &format!("{name}Input"), &format!("{name}Output"));
        own.parts(Parts::Parallel(branches([(keys[0], inner), (keys[1], step("add"))])))
    };
    let graph = Graph::of(&fork("Outer", ["a", "d"], fork("Inner", ["b", "c"], step("add"))));
    let expected = [
        "InnerInput -> add",
        "add -> InnerOutput",
        "InnerInput -> add",
        "add -> InnerOutput",
        "OuterInput -> InnerInput",
        "InnerOutput -> OuterOutput",
        "OuterInput -> add",
        "add -> OuterOutput",
    ];
    assert_eq!(pairs(&graph), expected);
}

#[test]
fn a_fork_of_one_branch_within_a_chain_is_that_branch() {
    let fork = shape("Fork", "ForkInput", "ForkOutput").parts(Parts::Parallel(branches([("a", step("a"))])));
    let graph = Graph::of(&sequence([step("first"), fork, step("last")]));
    assert_eq!(pairs(&graph), ["first_input -> first", "first -> a", "last -> last_output", "a -> last"]);
}

#[test]
fn a_fork_without_branches_leads_on() {
    let fork = || shape("Fork", "ForkInput", "ForkOutput").parts(Parts::Parallel(Vec::new()));
    assert_eq!(pairs(&Graph::of(&fork())), ["ForkInput -> ForkOutput"]);
    let chain = Graph::of(&sequence([step("first"), fork(), step("last")]));
    assert!(chain.first_node().is_some() && chain.last_node().is_some(), "{chain}");
}

#[test]
fn names_that_are_shared_are_numbered_in_drawings() {
    let graph = Graph::of(&sequence([step("add"), step("add"), step("add_1"), step("add")]));
    let mermaid = graph.draw_mermaid_with(&Mermaid::unstyled());
    let expected = "graph TD;\n\tadd_input --> add_1;\n\tadd_1 --> add_2;\n\tadd_2 --> add_1_1;\n\tadd_3 --> add_output;\n\tadd_1_1 --> add_3;\n";
    assert_eq!(mermaid, expected);
    assert!(graph.draw_mermaid().contains("\tadd_2(add)\n"));
}

#[test]
fn steps_that_wait_for_their_whole_input_are_told() {
    let graph = Graph::of(&forked());
    assert_eq!(graph.waiting().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["PromptTemplate"]);
}

#[test]
fn schemas_are_in_the_json_when_asked_for() {
    let graph = add("add").graph();
    assert_eq!(graph.to_json()["nodes"][0]["data"], json!({"name": "add_input"}));
    let schema = json!({"title": "add_input", "type": "integer"});
    assert_eq!(graph.to_json_with_schemas()["nodes"][0]["data"], json!({"name": "add_input", "schema": schema}));
    assert_eq!(serde_json::to_value(&graph).unwrap(), graph.to_json());
}

#[test]
fn only_ends_with_one_way_out_are_trimmed() {
    let mut chain = named(&["a", "b", "c"], &["a b", "b c"]);
    assert_eq!(chain.trim_first_node().map(|node| node.name).as_deref(), Some("a"));
    assert_eq!(chain.trim_last_node().map(|node| node.name).as_deref(), Some("c"));
    assert_eq!(chain.trim_first_node(), None);
    assert_eq!(chain.nodes().count(), 1);
    let mut fork = named(&["a", "b", "c", "d"], &["a b", "a c", "b d", "c d"]);
    assert_eq!((fork.trim_first_node(), fork.trim_last_node()), (None, None));
    let mut skip = named(&["a", "b", "c"], &["a b", "b c", "a c"]);
    assert_eq!((skip.trim_first_node(), skip.trim_last_node()), (None, None));
    assert_eq!((skip.first_node(), skip.last_node()), (Some(&"a".into()), Some(&"c".into())));
    assert_eq!(named(&["a", "b"], &[]).first_node(), None);
}

#[test]
fn graphs_join_under_a_prefix() {
    let mut outer = named(&["start", "search"], &["start search"]);
    let inner = named(&["search", "rank"], &["search rank"]);
    let refused = outer.extend(inner.clone(), "").unwrap_err();
    assert_eq!(
        (refused.kind(), refused.message()),
        (ErrorKind::Configuration, "the graph has a node `search`: choose another name")
    );
    assert_eq!(outer.nodes().count(), 2);
    let (first, last) = outer.extend(inner, "research").unwrap();
    assert_eq!((first, last), (Some("research:search".into()), Some("research:rank".into())));
    let (first, _) = outer.extend(add("add").graph(), "").unwrap();
    let (second, _) = outer.extend(add("add").graph(), "").unwrap();
    assert_ne!(first, second);
    assert!(matches!(first, Some(NodeId::Number(_))));
    assert_eq!(outer.to_json()["nodes"][3]["id"], "research:rank");
    assert_eq!(outer.to_json()["nodes"][7]["id"], 7);
}

#[test]
fn an_edge_to_nowhere_is_refused() {
    let mut graph = named(&["a"], &[]);
    let refused = graph.add_edge(Edge::new("a", "b")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert_eq!(refused.message(), "an edge needs both its nodes: add `b` to the graph first");
    assert_eq!(graph.edges(), []);
}

/// As langchain-core draws it.
#[test]
fn mermaid_knows_labels_conditions_and_subgraphs() {
    let nodes = ["__start__", "sub:x", "sub:y", "sub:deep:z", "sub:deep:w", "end *_", "lonely:q", "*bold*"];
    let mut graph = named(&nodes, &[]);
    let node =
        Node::runnable("a").with_metadata("k", "v(1)").with_metadata("n", json!([1, 2])).with_metadata("d", json!({}));
    graph.add_named_node("a", node).unwrap();
    let edges = [
        Edge::new("__start__", "a"),
        Edge::new("a", "a"),
        Edge::new("a", "sub:x").labelled("go on").conditional(),
        Edge::new("sub:x", "sub:y"),
        Edge::new("sub:deep:z", "sub:deep:w"),
        Edge::new("sub:y", "sub:deep:z"),
        Edge::new("sub:deep:w", "end *_").labelled("one two three four five six seven eight nine ten eleven"),
        Edge::new("a", "end *_").conditional(),
        Edge::new("*bold*", "end *_"),
    ];
    edges.into_iter().for_each(|edge| graph.add_edge(edge).unwrap());
    let expected = r"graph TD;
	__start__(<p>__start__</p>)
	end\20\2a_(end *_)
	\2abold\2a(<p>*bold*</p>)
	a(a<hr/><small><em>k = v#40;1#41;
n = 1, 2</em></small>)
	__start__ --> a;
	a -. &nbsp;go on&nbsp; .-> sub\3ax;
	sub\3adeep\3aw -- &nbsp;one two three four five six seven eight nine&nbsp<br>&nbspten eleven&nbsp; --> end\20\2a_;
	a -.-> end\20\2a_;
	\2abold\2a --> end\20\2a_;
	a --> a;
	subgraph sub
	sub\3ax(x)
	sub\3ay(y)
	sub\3ax --> sub\3ay;
	sub\3ay --> sub\3adeep\3az;
	subgraph deep
	sub\3adeep\3az(z)
	sub\3adeep\3aw(w)
	sub\3adeep\3az --> sub\3adeep\3aw;
	end
	end
	subgraph lonely
	lonely\3aq(q)
	end
	classDef default fill:#f2f0ff,line-height:1.2
	classDef first fill-opacity:0
	classDef last fill:#bfb6fc
";
    let drawn = graph.draw_mermaid();
    assert_eq!(drawn.split_once("---\ngraph").map(|(_, graph)| format!("graph{graph}")).as_deref(), Some(expected));
    let bare = graph.draw_mermaid_with(&Mermaid::unstyled());
    assert!(bare.contains("\tsubgraph deep\n") && !bare.contains("lonely"));
}

#[test]
fn mermaid_is_not_led_astray_by_names() {
    let steps = ["end", "call(\"x\")", "crate::parse", "größe", ""];
    let graph = Graph::of(&sequence(steps.map(|name| shape(name, "in", "out"))));
    let drawn = graph.draw_mermaid();
    for expected in [
        "\\65nd(end)",
        "call\\28\\22x\\22\\29(call#40;#quot;x#quot;#41;)",
        "crate\\3a\\3aparse(crate::parse)",
        "gr\\f6\\dfe(größe)",
        "(&nbsp;)",
    ] {
        assert!(drawn.contains(expected), "{expected} in {drawn}");
    }
    assert!(!drawn.contains("subgraph"));
}

#[test]
fn frames_of_one_name_are_told_apart() {
    let graph =
        named(&["a:tools:x", "a:tools:y", "b:tools:x", "b:tools:y"], &["a:tools:x a:tools:y", "b:tools:x b:tools:y"]);
    let drawn = graph.draw_mermaid();
    assert!(drawn.contains("\tsubgraph tools\n") && drawn.contains("\tsubgraph tools\\3a2 [tools]\n"), "{drawn}");
}

#[test]
fn mermaid_can_be_styled() {
    let options = Mermaid::new()
        .direction(Direction::BottomUp)
        .curve(Curve::StepAfter)
        .node_style("fill:#fff")
        .last_style("fill:#000")
        .config("theme", "neutral")
        .config("look", "it's \"new\"")
        .config("flowchart", json!({"nodeSpacing": 10}))
        .config("themeVariables", json!({"primaryColor": "#e2e2e2", "darkMode": false}));
    let drawn = named(&["a"], &[]).draw_mermaid_with(&options);
    let expected = r#"---
config:
  flowchart:
    curve: stepAfter
    nodeSpacing: 10
  look: 'it''s "new"'
  theme: neutral
  themeVariables:
    darkMode: false
    primaryColor: '#e2e2e2'
---
graph BT;
	a([a]):::last
	classDef default fill:#fff
	classDef first fill-opacity:0
	classDef last fill:#000
"#;
    assert_eq!(drawn, expected);
}

#[test]
fn an_empty_graph_is_an_empty_drawing() {
    assert_eq!(Graph::new().draw_ascii(), "");
    assert_eq!(Graph::new().draw_mermaid_with(&Mermaid::unstyled()), "graph TD;\n");
    assert_eq!(Graph::new().to_json(), json!({"nodes": [], "edges": []}));
    assert!(Graph::new().is_empty());
}

#[test]
fn wide_letters_take_two_columns() {
    let graph = Graph::of(&sequence([shape("日本語の要約", "問い", "答え"), shape("🦀 parse\nall", "in", "größe")]));
    assert_snapshot!(graph, @r"
        +------+
        | 問い |
        +------+
            |
            v
    +--------------+
    | 日本語の要約 |
    +--------------+
            |
            v
    +--------------+
    | 🦀 parse all |
    +--------------+
            |
            v
        +-------+
        | größe |
        +-------+
    ");
}

#[test]
fn long_edges_go_around_boxes_and_crossings_are_no_junctions() {
    let edges = ["start a", "start b", "start end", "a c", "a d", "b c", "b d", "c end", "d end"];
    assert_snapshot!(named(&["start", "a", "b", "c", "d", "end"], &edges), @r"
                    +-------+
                    | start |
                    +-------+
                        |
             +-------+--+---+
             v       v      |
           +---+   +---+    |
           | a |   | b |    |
           +---+   +---+    |
             |       |      |
      +------+----+  |      |
      |   +-------|--+      |
      v   v       v  v      |
    +-------+   +-------+   |
    |   c   |   |   d   |   |
    +-------+   +-------+   |
        |           |       |
        +-----------+-------+
                    v
                +-----+
                | end |
                +-----+
    ");
}

#[test]
fn edges_that_lead_back_are_listed() {
    let mut graph =
        named(&["__start__", "tools", "agent", "__end__"], &["__start__ agent", "tools agent", "agent agent"]);
    graph.add_edge(Edge::new("agent", "tools").labelled("calls").conditional()).unwrap();
    graph.add_edge(Edge::new("agent", "__end__").conditional()).unwrap();
    assert_snapshot!(graph, @r"
         +-----------+
         | __start__ |
         +-----------+
               |
               v
           +-------+
           | agent |
           +-------+
               |
        +------+------+
        v             v
    +-------+    +---------+
    | tools |    | __end__ |
    +-------+    +---------+

    tools --> agent
    agent --> agent
    agent -. calls .-> tools
    agent -.-> __end__
    ");
}

#[test]
fn every_edge_of_a_drawing_can_be_followed() {
    let mut seed = 7_u64;
    let mut dice = |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % sides
    };
    for _ in 0..300 {
        let (count, density) = (2 + dice(9), 2 + dice(5));
        let names: Vec<_> = (0..count).map(|node| format!("n{node}{}", "_".repeat(dice(8)))).collect();
        let mut edges = Vec::new();
        for target in 1..count {
            for source in 0..target {
                if dice(density) == 0 {
                    edges.push(format!("{} {}", names[source], names[target]));
                }
            }
        }
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let refs: Vec<_> = edges.iter().map(String::as_str).collect();
        let drawing = named(&names, &refs).draw_ascii();
        let mut followed = followed(&drawing, &names);
        followed.sort();
        edges.sort();
        assert_eq!(followed, edges, "\n{drawing}");
    }
}

/// The edges that a reader of a drawing finds, who goes down from each box, and across where lines meet in a `+`.
fn followed(drawing: &str, names: &[&str]) -> Vec<String> {
    let rows: Vec<Vec<char>> = drawing.lines().map(|line| line.chars().collect()).collect();
    let at = |row: usize, column: usize| rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(' ');
    let boxes: Vec<_> = names
        .iter()
        .map(|name| {
            let found =
                drawing.lines().enumerate().find_map(|(row, line)| Some((row, line.find(&format!(" {name} "))?)));
            let (row, inside) = found.unwrap();
            let border = |column: &usize| at(row, *column) == '|';
            (row, (0..inside + 1).rev().find(border).unwrap()..=(inside + 1..).find(border).unwrap())
        })
        .collect();
    let mut found = Vec::new();
    for (source, (row, columns)) in names.iter().zip(&boxes) {
        // Ways to go on: a place, and the direction in which it was reached.
        let mut ways: Vec<_> = columns.clone().map(|column| (row + 2, column, 0_isize)).collect();
        while let Some((row, column, across)) = ways.pop() {
            match (at(row, column), across) {
                ('v', 0) => {
                    let target = boxes.iter().position(|(at, columns)| *at == row + 2 && columns.contains(&column));
                    found.push(format!("{source} {}", names[target.unwrap()]));
                }
                ('|', 0) => ways.push((row + 1, column, 0)),
                ('|' | '-', 1 | -1) => ways.push((row, column.wrapping_add_signed(across), across)),
                ('+', _) => {
                    ways.push((row + 1, column, 0));
                    let sides = if across == 0 { vec![-1, 1] } else { vec![across] };
                    ways.extend(sides.into_iter().map(|across| (row, column.wrapping_add_signed(across), across)));
                }
                _ => {}
            }
        }
    }
    found
}
