-- Whether a company has change orders as documents of QuickBooks, and how they are read.
ALTER TABLE realm ADD COLUMN native_orders text NOT NULL DEFAULT 'unknown'
    CHECK (native_orders IN ('unknown', 'none', 'told', 'read'));
ALTER TABLE realm ADD COLUMN native_orders_asked_at timestamptz;  -- business time
