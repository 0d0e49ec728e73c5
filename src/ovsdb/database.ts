/** The two databases of OVN, by the short names operators use. */
export const DATABASES = ['nb', 'sb'] as const;

export type Database = (typeof DATABASES)[number];

/** The name of each database inside OVSDB, as `cluster/status` and file headers print it. */
export const SCHEMA_NAMES: Readonly<Record<Database, string>> = {
  nb: 'OVN_Northbound',
  sb: 'OVN_Southbound',
};
