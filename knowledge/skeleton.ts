/** A blueprint to begin with: it lints, its tests pass, and what it makes runs on any node with a storage engine. */
export function blueprintSkeleton(name: string): string {
  const words = name.replaceAll('-', ' ');
  // `true` or `007` would be no text.
  const text = /^[a-z][a-z0-9-]*$/.test(name) && !['true', 'false', 'null'].includes(name) ? name : JSON.stringify(name);
  return `# yaml-language-server: $schema=blueprint.schema.json
# Write the schema beside this file with \`3bot blueprint schema --out blueprint.schema.json\`: editors then complete and explain.

blueprint: ${text}
version: 0.1.0
title: ${JSON.stringify(`${words.charAt(0).toUpperCase()}${words.slice(1)}`)}
description: >-
  Say here what it makes and for whom, in the words of somebody who has to decide whether they want it.
author: your name
# The contract's title. \${…} holds an expression (CEL) over parameters and values.
summary: \${copies} × ${words} of \${formatBytes(capacity)}

# What a request may set. Every blueprint also takes countries, cities, max_price and months.
parameters:
  capacity:
    type: bytes
    required: true
    minimum: 1 MB
    maximum: 10 TB
    description: How much each copy holds.
    # The only words by which a request can set it; implicit: a bare size such as 5 GB means this.
    hints:
      implicit: true
      nouns: [capacity, size, space]
  copies:
    type: integer
    minimum: 1
    maximum: 5
    default: 1
    description: How many of them, each on a node of its own.
    hints:
      nouns: [copies, copy, times]

# Named expressions; each sees the parameters and the values before it.
values:
  # The engine keeps an index beside the data.
  disk: capacity + capacity / 50 + 16 * MiB

# The words by which people ask for it.
intents:
  nouns: [${JSON.stringify(words.slice(0, 60).trim())}]
  verbs: [give, get, need, want, make, create]
  examples:
    - give me a ${words} of 5 GB in CH

# Who must sign: roles of the requester's organisation.
policy:
  all:
    - role: it-expert
    - role: budget

autonomy:
  # A node that is lost is replaced without asking again.
  replace: true

# What must be true of a request, and what is said when it is not.
checks:
  - that: capacity * copies <= 20000000000000
    message: \${copies} copies of \${formatBytes(capacity)} are more than 20 TB
    hint: ask for fewer copies, or for less

# What the parameters become.
workloads:
  - each: {i: range(copies)}
    type: zdb
    name: store-\${i}
    # Workloads of one group lie on distinct nodes.
    group: stores
    resources:
      disk: \${string(disk)}
      memory: 128 MiB
      cpu: 100m
    spec:
      mode: user
      capacity: \${string(disk)}
      namespaces: [data]

tests:
  - name: one copy unless more are asked for
    parameters: {capacity: 5 GB}
    expect:
      workloads: 1
      parameters: {capacity: "5000000000", copies: 1}
      golden:
        store-0: {type: zdb, group: stores, spec: {mode: user, namespaces: [data]}}
  - name: a size is needed
    parameters: {copies: 2}
    expect: {refused: missing_parameter}
  - name: too much in all
    parameters: {capacity: 10 TB, copies: 3}
    expect: {refused: check_failed}

# What holds of every request: many are drawn, and a counterexample is made as simple as it can be.
properties:
  - name: every copy holds what was asked for
    forall: {capacity: {}, copies: {}}
    that:
      - size(names) == copies
      - disks.all(d, d >= capacity)
`;
}
