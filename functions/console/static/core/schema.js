/** From a JSON Schema (2020-12, as pydantic makes it) to the fields of a form. Pure. */

/**
 * @typedef {object} Field
 * @property {"text" | "number" | "integer" | "boolean" | "choice" | "constant" | "object" | "list" | "json"} kind
 * @property {string} [label]
 * @property {string} [description]
 * @property {boolean} required false: it may be left out
 * @property {boolean} nullable
 * @property {any} [preset] what is taken when it is left out
 * @property {object} rules the schema's limits: minimum, maxLength, …
 * @property {string} [format] of a text
 * @property {any[]} [options] of a choice
 * @property {any} [value] of a constant
 * @property {{name: string, field: Field}[]} [fields] of an object
 * @property {Field} [item] of a list
 */

/** Levels of a form. Deeper and recursive parts are JSON. */
const DEPTH = 6;

const RANGES = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
const RULES = [...RANGES, "minLength", "maxLength", "minItems", "maxItems"];

/**
 * @param {object | boolean | undefined} schema
 * @returns {Field} of kind json where there is no schema, or none that a form could be made of
 */
export function fieldOf(schema) {
  return field(schema ?? {}, { root: schema ?? {}, required: true, depth: 0, seen: [] });
}

function field(schema, context) {
  const plain = resolved(schema, context);
  const { found, nullable, seen } = plain;
  const base = {
    label: found.title ?? context.name,
    description: found.description,
    required: context.required,
    nullable,
    preset: found.default,
    rules: Object.fromEntries(RULES.filter((name) => name in found).map((name) => [name, found[name]])),
  };
  return { ...base, ...shape(found, { ...context, seen }) };
}

function shape(found, context) {
  if ("const" in found) return { kind: "constant", value: found.const };
  if (Array.isArray(found.enum)) return { kind: "choice", options: found.enum };
  if (found.type === "string") return { kind: "text", format: found.format };
  if (["number", "integer", "boolean"].includes(found.type)) return { kind: found.type };
  const deeper = { ...context, depth: context.depth + 1 };
  if (context.depth >= DEPTH) return { kind: "json" };
  if (found.type === "object" && found.properties) return { kind: "object", fields: fieldsOf(found, deeper) };
  const list = found.type === "array" && isPlain(found.items) && !found.prefixItems;
  return list ? { kind: "list", item: itemOf(found, deeper) } : { kind: "json" };
}

const isPlain = (schema) => typeof schema === "object" && schema !== null && Object.keys(schema).length > 0;

function fieldsOf({ properties, required = [] }, context) {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    field: field(schema, { ...context, name, required: required.includes(name) }),
  }));
}

function itemOf({ items }, context) {
  return field(items, { ...context, name: undefined, required: true });
}

/** The schema with its references followed and its null taken out; one of several alternatives stays as it is. */
function resolved(schema, { root, seen }) {
  let found = typeof schema === "object" && schema !== null ? schema : {};
  let nullable = false;
  let visited = seen;
  for (let step = 0; step < 20; step++) {
    const { $ref, allOf, anyOf, oneOf, ...rest } = found;
    const others = (anyOf ?? oneOf)?.filter((one) => one.type !== "null");
    if ($ref !== undefined) {
      if (visited.includes($ref)) return { found: {}, nullable, seen: visited };
      visited = [...visited, $ref];
      found = { ...pointed(root, $ref), ...rest };
    } else if (allOf?.length === 1) {
      found = { ...allOf[0], ...rest };
    } else if (others?.length === 1) {
      nullable ||= others.length < (anyOf ?? oneOf).length;
      found = { ...others[0], ...rest };
    } else {
      break;
    }
  }
  return withoutNull(found, nullable, visited);
}

function withoutNull(found, nullable, seen) {
  if (!Array.isArray(found.type)) return { found, nullable, seen };
  const types = found.type.filter((type) => type !== "null");
  const type = types.length === 1 ? types[0] : undefined;
  return { found: { ...found, type }, nullable: nullable || types.length < found.type.length, seen };
}

/** @param {string} reference such as #/$defs/Place; another document is not looked for */
function pointed(root, reference) {
  if (!reference.startsWith("#")) return {};
  const unescaped = (step) => step.replace(/~1/g, "/").replace(/~0/g, "~");
  const steps = reference.slice(1).split("/").filter(Boolean).map(unescaped);
  const found = steps.reduce((at, step) => at?.[step], root);
  return typeof found === "object" && found !== null ? found : {};
}
