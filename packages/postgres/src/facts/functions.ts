import { castNames, informationFunctions, stableFunctions, volatileFunctions } from './builtins.ts'

/**
 * What calling a function does beyond computing a value.
 *
 * - `admin` administers the server, or reaches its files, network, replication or other sessions
 * - `runs-sql` runs SQL that it is given, or that its arguments name: what it reads cannot be seen
 * - `quotes` returns what other statements hold: running queries, samples of columns, large objects
 * - `writes-objects` writes large objects
 * - `writes-sequence` moves a sequence
 * - `setting` changes a setting
 * - `notifies` sends a notification
 * - `locks` takes an advisory lock
 * - `stalls` takes as long as its argument says
 */
export type Effect =
  | 'admin'
  | 'runs-sql'
  | 'quotes'
  | 'writes-objects'
  | 'writes-sequence'
  | 'setting'
  | 'notifies'
  | 'locks'
  | 'stalls'

/** The dangerous ones among the server's own. Sorted by what they do; see the chapters on functions in its manual. */
const table: Readonly<Record<Effect, string>> = {
  admin: `
    binary_upgrade_add_sub_rel_state binary_upgrade_create_empty_extension
    binary_upgrade_logical_slot_has_caught_up binary_upgrade_replorigin_advance binary_upgrade_set_missing_value
    binary_upgrade_set_next_array_pg_type_oid binary_upgrade_set_next_heap_pg_class_oid
    binary_upgrade_set_next_heap_relfilenode binary_upgrade_set_next_index_pg_class_oid
    binary_upgrade_set_next_index_relfilenode binary_upgrade_set_next_multirange_array_pg_type_oid
    binary_upgrade_set_next_multirange_pg_type_oid binary_upgrade_set_next_pg_authid_oid
    binary_upgrade_set_next_pg_enum_oid binary_upgrade_set_next_pg_tablespace_oid
    binary_upgrade_set_next_pg_type_oid binary_upgrade_set_next_toast_pg_class_oid
    binary_upgrade_set_next_toast_relfilenode binary_upgrade_set_record_init_privs
    brin_desummarize_range brin_summarize_new_values brin_summarize_range gin_clean_pending_list
    lo_export lo_import pg_backup_start pg_backup_stop pg_cancel_backend
    pg_clear_attribute_stats pg_clear_relation_stats pg_control_checkpoint pg_control_init pg_control_recovery
    pg_control_system pg_copy_logical_replication_slot pg_copy_physical_replication_slot
    pg_create_logical_replication_slot pg_create_physical_replication_slot pg_create_restore_point
    pg_current_logfile pg_drop_replication_slot pg_extension_config_dump pg_file_read pg_file_rename pg_file_sync
    pg_file_unlink pg_file_write pg_hba_file_rules pg_ident_file_mappings pg_import_system_collations
    pg_log_backend_memory_contexts pg_log_standby_snapshot pg_logdir_ls pg_logical_emit_message
    pg_logical_slot_get_binary_changes pg_logical_slot_get_changes pg_logical_slot_peek_binary_changes
    pg_logical_slot_peek_changes pg_ls_archive_statusdir pg_ls_dir pg_ls_logdir pg_ls_logicalmapdir
    pg_ls_logicalsnapdir pg_ls_replslotdir pg_ls_summariesdir pg_ls_tmpdir pg_ls_waldir pg_nextoid pg_promote
    pg_read_binary_file pg_read_file pg_read_file_old pg_reload_conf pg_replication_origin_advance pg_replication_origin_create
    pg_replication_origin_drop pg_replication_origin_session_reset pg_replication_origin_session_setup
    pg_replication_origin_xact_reset pg_replication_origin_xact_setup pg_replication_slot_advance
    pg_restore_attribute_stats pg_restore_relation_stats pg_rotate_logfile pg_rotate_logfile_old pg_show_all_file_settings
    pg_start_backup pg_stat_file pg_stat_reset pg_stat_reset_backend_stats pg_stat_reset_replication_slot
    pg_stat_reset_shared pg_stat_reset_single_function_counters pg_stat_reset_single_table_counters
    pg_stat_reset_slru pg_stat_reset_subscription_stats pg_stop_backup pg_stop_making_pinned_objects pg_switch_wal
    pg_switch_xlog pg_sync_replication_slots pg_terminate_backend pg_wal_replay_pause pg_wal_replay_resume plpgsql_validator
    dblink dblink_build_sql_delete dblink_build_sql_insert dblink_build_sql_update dblink_cancel_query
    dblink_close dblink_connect dblink_connect_u dblink_disconnect dblink_error_message dblink_exec dblink_fdw_validator
    dblink_fetch dblink_get_connections dblink_get_notify dblink_get_pkey dblink_get_result dblink_is_busy
    dblink_open dblink_send_query file_fdw_handler postgres_fdw_disconnect postgres_fdw_disconnect_all
    postgres_fdw_get_connections postgres_fdw_handler`,
  'runs-sql': `
    query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml
    table_to_xml_and_xmlschema table_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema schema_to_xmlschema
    database_to_xml database_to_xml_and_xmlschema database_to_xmlschema ts_stat ts_rewrite
    xpath_table crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby`,
  quotes: `
    lo_get loread pg_stat_get_activity pg_stat_get_backend_activity pg_mcv_list_items pg_prepared_statement pg_cursor`,
  'writes-objects': `
    lo_creat lo_create lo_from_bytea lo_put lo_truncate lo_truncate64 lo_unlink lowrite lo_manage`,
  'writes-sequence': 'nextval setval',
  setting: 'set_config',
  notifies: 'pg_notify',
  locks: `
    pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared
    pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
    pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared`,
  stalls: 'pg_sleep pg_sleep_for pg_sleep_until',
}

/** Volatile, and looked at: they change nothing that lasts, and show nothing that others hold. */
const harmless = words(`
  amvalidate array_sample array_shuffle clock_timestamp current_query currtid2 currval gen_random_uuid lastval
  lo_close lo_lseek lo_lseek64 lo_open lo_tell lo_tell64 pg_available_wal_summaries pg_blocking_pids
  pg_collation_actual_version pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn
  pg_database_collation_actual_version pg_database_size pg_export_snapshot pg_get_aios
  pg_get_backend_memory_contexts pg_get_loaded_modules pg_get_multixact_members pg_get_sequence_data
  pg_get_shmem_allocations pg_get_shmem_allocations_numa pg_get_wait_events pg_get_wal_replay_pause_state
  pg_get_wal_resource_managers pg_get_wal_summarizer_state pg_indexes_size pg_is_in_recovery
  pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available pg_last_committed_xact
  pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status
  pg_notification_queue_usage pg_partition_ancestors pg_partition_tree pg_prepared_xact pg_relation_size
  pg_replication_origin_progress pg_replication_origin_session_is_setup pg_replication_origin_session_progress
  pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_show_replication_origin_status
  pg_stat_clear_snapshot pg_stat_force_next_flush pg_stat_get_backend_io pg_stat_get_backend_wal pg_stat_get_io
  pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
  pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time pg_stat_get_xact_function_total_time
  pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted pg_stat_get_xact_tuples_fetched
  pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted pg_stat_get_xact_tuples_newpage_updated
  pg_stat_get_xact_tuples_returned pg_stat_get_xact_tuples_updated pg_stat_have_stats pg_table_size
  pg_tablespace_size pg_total_relation_size pg_wal_summary_contents pg_xact_commit_timestamp
  pg_xact_commit_timestamp_origin pg_xact_status random random_normal setseed timeofday txid_status uuidv4 uuidv7`)

const effects: ReadonlyMap<string, Effect> = new Map(
  Object.entries(table).flatMap(([effect, names]) =>
    Array.from(words(names), (name): [string, Effect] => [name, effect as Effect]),
  ),
)

/**
 * String functions that cannot fail on any text, do not depend on what is in other rows, and whose result is masked as
 * a whole: they may be applied to a masked column even in strict mode. Arguments after the first must be constants.
 */
export const totalFunctions: ReadonlySet<string> = words(`
  upper lower initcap substr substring left right btrim ltrim rtrim replace concat reverse length char_length
  character_length octet_length md5 coalesce`)

/** By name alone, whatever schema it is in: a name that is dangerous in pg_catalog is dangerous in an extension's. */
export function effectOf(name: string): Effect | undefined {
  const effect = effects.get(name)
  if (effect !== undefined) return effect
  return volatileFunctions.has(name) && !harmless.has(name) ? 'admin' : undefined
}

/** Somebody looked at it: it has an effect, or is known to have none. */
export function isReviewed(name: string): boolean {
  return effects.has(name) || harmless.has(name)
}

/** Shipped with the server in pg_catalog, under that name. */
export function isBuiltin(name: string): boolean {
  return stableFunctions.has(name) || volatileFunctions.has(name) || castNames.has(name)
}

export function isOfInformationSchema(name: string): boolean {
  return informationFunctions.has(name)
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
