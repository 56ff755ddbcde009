/**
 * Columns of system relations that quote users' data or statements: samples kept by ANALYZE, running statements, the
 * bytes of large objects. They carry every tag.
 * @see https://www.postgresql.org/docs/18/catalogs.html
 */
export const quotingColumns: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    pg_stats: ['most_common_vals', 'histogram_bounds', 'most_common_elems', 'range_bounds_histogram'],
    pg_statistic: ['stavalues1', 'stavalues2', 'stavalues3', 'stavalues4', 'stavalues5'],
    pg_stats_ext: ['most_common_vals'],
    pg_stats_ext_exprs: [
      'most_common_vals',
      'histogram_bounds',
      'most_common_elems',
      'range_bounds_histogram',
    ],
    pg_statistic_ext_data: ['stxdmcv', 'stxdexpr'],
    pg_stat_activity: ['query'],
    pg_largeobject: ['data'],
  }).map(([relation, columns]) => [relation, new Set(columns)]),
)
