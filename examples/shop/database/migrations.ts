/**
 * Applied in order, each once. Append only. Instances of the previous release keep running meanwhile, so add things in
 * one release and remove old ones in the next.
 */
export const migrations: { name: string; sql: string }[] = [
  {
    name: '001 catalogue',
    sql: `
      CREATE TABLE products (
        id          integer PRIMARY KEY,
        name        text    NOT NULL,
        category    text    NOT NULL,
        description text    NOT NULL,
        price_cents integer NOT NULL CHECK (price_cents >= 0),
        motif       text    NOT NULL,
        hue         smallint NOT NULL,
        search      tsvector NOT NULL
                    GENERATED ALWAYS AS (to_tsvector('english', name || ' ' || category || ' ' || description)) STORED
      );
      CREATE INDEX products_search ON products USING gin (search);
      CREATE INDEX products_category ON products (category, id);`,
  },
  {
    name: '002 orders',
    // No sequences: the app generates ids, so that a retried order keeps its id.
    sql: `
      CREATE TABLE orders (
        id          uuid PRIMARY KEY,
        reference   text NOT NULL UNIQUE,
        customer_id uuid NOT NULL,
        placed_at   timestamptz NOT NULL DEFAULT now(),
        submissions integer NOT NULL DEFAULT 1
      );
      CREATE INDEX orders_customer ON orders (customer_id, placed_at DESC);
      CREATE INDEX orders_placed_at ON orders (placed_at, id);

      CREATE TABLE order_lines (
        order_id         uuid    NOT NULL REFERENCES orders,
        product_id       integer NOT NULL REFERENCES products,
        quantity         integer NOT NULL CHECK (quantity > 0),
        unit_price_cents integer NOT NULL CHECK (unit_price_cents >= 0),
        PRIMARY KEY (order_id, product_id)
      );
      CREATE INDEX order_lines_product ON order_lines (product_id, order_id);`,
  },
]
