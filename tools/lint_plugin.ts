/**
 * The house rules as lint rules. Each names the attack or habit it stands for; where a rule does
 * not hold in some folder, the folder is listed beside it.
 */
import { fileURLToPath } from "node:url";

type Context = Deno.lint.RuleContext;
type Rule = Deno.lint.Rule;

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Is the linted file one of these files, or under one of these folders (ending in a slash)? */
function under(context: Context, places: readonly string[]): boolean {
  const path = context.filename.startsWith(ROOT)
    ? context.filename.slice(ROOT.length)
    : context.filename;
  return places.some((place) => place.endsWith("/") ? path.startsWith(place) : path === place);
}

/** A rule that reports `words` on every match of `selector`, except in `places`. */
function forbid(selector: string, words: string, places: readonly string[] = []): Rule {
  return {
    create(context) {
      if (under(context, places)) return {};
      return { [selector]: (node: Deno.lint.Node) => context.report({ node, message: words }) };
    },
  };
}

const NOT_PRODUCT = ["tests/", "tools/", "bench/"];
const HTML_SINKS = "/^(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|parseHTMLUnsafe)$/";

/** SQL made of pieces: the way to injection (W11). Constants and `?` only. */
const sqlTemplate: Rule = {
  create(context) {
    if (!under(context, ["db/", "auth/", "hub/", "client/"])) return {};
    return {
      "CallExpression[callee.property.name=/^(prepare|exec)$/]"(node: Deno.lint.CallExpression) {
        const [first] = node.arguments;
        const built = first?.type === "TemplateLiteral" && first.expressions.length > 0 ||
          first?.type === "BinaryExpression";
        if (built) context.report({ node, message: "SQL is a constant; values go in by `?`." });
      },
    };
  },
};

/** Forms and password fields that could put a secret into an address (W28). */
const safeForms: Rule = {
  create(context) {
    return {
      JSXOpeningElement(node) {
        const tag = node.name.type === "JSXIdentifier" ? node.name.name : "";
        const value = (name: string) => attribute(node, name);
        if (tag === "form" && value("method") !== "post") {
          context.report({ node, message: 'A form has method="post", htmx or not.' });
        }
        if (tag === "input" && value("type") === "password" && value("name") !== undefined) {
          context.report({ node, message: "A password field has no name: it is never submitted." });
        }
      },
    };
  },
};

const PLATFORM = new Set(
  ("Deno process Buffer require fetch WebSocket XMLHttpRequest window document navigator location " +
    "localStorage sessionStorage indexedDB setTimeout setInterval Worker").split(" "),
);

/** protocol/ and crypto/ are pure: they run unchanged in a page, a worker and the terminal. */
const noPlatform: Rule = {
  create(context) {
    if (!under(context, ["protocol/", "crypto/"])) return {};
    return {
      Identifier(node) {
        const parent = node.parent;
        const named = parent.type === "MemberExpression" && parent.property === node &&
            !parent.computed || parent.type === "Property" && parent.key === node;
        if (named || !PLATFORM.has(node.name)) return;
        context.report({ node, message: `${node.name} is I/O: state in, state out, here.` });
      },
    };
  },
};

/** The text of a JSX attribute, "" when it is an expression, undefined when it is missing. */
function attribute(node: Deno.lint.JSXOpeningElement, name: string): string | undefined {
  for (const each of node.attributes) {
    if (each.type !== "JSXAttribute" || each.name.type !== "JSXIdentifier") continue;
    if (each.name.name !== name) continue;
    return each.value?.type === "Literal" ? String(each.value.value) : "";
  }
  return undefined;
}

const plugin: Deno.lint.Plugin = {
  name: "snug",
  rules: {
    "no-console": forbid(
      "MemberExpression[object.name='console']",
      "Use the log that is passed in: it writes allow-listed fields only.",
      [...NOT_PRODUCT, "log.ts", "client/terminal/"],
    ),
    "no-math-random": forbid(
      "MemberExpression[object.name='Math'][property.name='random']",
      "Math.random can be predicted: use crypto.getRandomValues.",
    ),
    "no-html-sink": forbid(
      `MemberExpression[property.name=${HTML_SINKS}]`,
      "HTML strings are how messages become scripts (W1): build nodes and textContent.",
    ),
    "no-html-in-jsx": forbid(
      "JSXAttribute[name.name='dangerouslySetInnerHTML']",
      "HTML strings are how names become scripts (W1).",
    ),
    "no-inline-handler": forbid(
      "JSXAttribute[name.name=/^(on[a-z]+|style)$/]",
      "The content security policy allows no inline handlers and styles.",
    ),
    "no-new-function": forbid(
      "NewExpression[callee.name='Function']",
      "Text never becomes code here.",
    ),
    "no-as-any": forbid(
      "TSAsExpression[typeAnnotation.type='TSAnyKeyword']",
      "Say what it is, or go through unknown and check.",
    ),
    "no-default-export": forbid(
      "ExportDefaultDeclaration",
      "Exports have names, the same everywhere.",
      ["tools/lint_plugin.ts"],
    ),
    "no-date-now": forbid(
      "CallExpression[callee.object.name='Date'][callee.property.name='now']",
      "The clock is passed in; only a composition root reads it.",
      [...NOT_PRODUCT, "main.ts", "client/web/entry/", "client/terminal/main.ts"],
    ),
    "no-new-date": forbid(
      "NewExpression[callee.name='Date'][arguments.length=0]",
      "The clock is passed in; only a composition root reads it.",
      [...NOT_PRODUCT, "main.ts"],
    ),
    "no-pathname-of-file": forbid(
      "MemberExpression[property.name='pathname'] > NewExpression > MemberExpression > MetaProperty",
      "In a folder with a blank in its name that is no path: use fileURLToPath.",
    ),
    "no-platform": noPlatform,
    "no-sql-template": sqlTemplate,
    "safe-forms": safeForms,
  },
};

export default plugin;
