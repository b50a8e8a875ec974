import type { Phrases } from './findings-phrases.en.js';

/** The sentences of the findings in Japanese. */
export const ja: Phrases = {
  // ---- criteria
  met: (v) => `${v.name}は目標を達成しました: 実績 ${v.actual}、目標 ${v.target}${v.margin}。`,
  'margin.above': (v) => `（目標を${v.share}上回る）`,
  'margin.used': (v) => `（上限の${v.share}を使用）`,
  'margin.budget': (v) => `（エラーバジェットの${v.share}を使用）`,
  missed: (v) => `${v.name}は目標未達です: 実績 ${v.actual}、目標 ${v.target}。`,
  'missed.optional': (v) => `${v.name}は目標未達です（必須ではない）: 実績 ${v.actual}、目標 ${v.target}。`,
  'missed.noData': (v) => `${v.name}は判定できません: データなし、目標 ${v.target}。`,
  'stable.target': (v) => `${v.agents}エージェント以上で${v.duration}`,
  'stable.actual': (v) => `${v.held}（最小${v.min}）`,

  // ---- what went well
  'ledger.whole': (v) => `全${v.tasks}件のタスクの行方が確認できました: 喪失0件、二重計上0件。`,
  'faults.recovered': (v) =>
    `${v.faults}件の障害すべてからサービスが復旧しました。最長は${v.id}（${v.type}）の${v.worst}で、許容は${v.target}です。`,
  'alerts.none': (v) => `${v.duration}の間、アラートは発生しませんでした。`,
  'load.kept': (v) =>
    `負荷生成は予定どおりでした: 投入${v.sent}件、欠落0件、投入遅れP99.9 ${v.lag}（上限 ${v.limit}）。`,
  'cost.within': (v) => `費用は${v.usd}で予算${v.budget}の${v.share}、1,000タスクあたり${v.perThousand}でした。`,
  'shed.fromBelow': (v) => `受付拒否は優先度の低いものから行われました（優先度別の拒否率: ${v.shares}）。`,
  'monitor.ok': (v) => `${v.monitor}: 異常なし（${v.value}）。`,
  'monitor.memory_leak': () => 'メモリリーク監視',
  'monitor.connection_pool': () => '接続プール監視',
  'value.memory_leak': (v) => `1エージェントあたり毎時${v.value} MiB`,
  'value.connection_pool': (v) => `1エージェントあたり${v.value}接続`,

  // ---- what went wrong
  invalid: (v) => `計測が有効ではありません: ${v.reasons}。`,
  'invalid.aborted': () => '実験が中断された',
  'invalid.dropped': (v) => `到着${v.count}件が欠落した`,
  'invalid.lag': (v) => `投入遅れP99.9が${v.lag}（上限 ${v.limit}）`,
  'invalid.lagBeside': (v) => `投入遅れP99.9が${v.lag}（上限 ${v.limit}、同じ機械の空タイマーは${v.machine}）`,
  'invalid.ledger': () => '台帳の収支が合わない',
  cutShort: (v) => `実験は予定${v.planned}のうち${v.actual}で終了しました: ${v.reason}。`,
  'cutShort.unknown': () => '理由の記録なし',
  'ledger.broken': (v) => `台帳に不整合があります: 喪失${v.lost}件、二重計上${v.double}件${v.examples}。`,
  'ledger.examples': (v) => `（タスク番号 ${v.indices}）`,
  'faults.stuck': (v) => `${v.faults}件の障害のうち${v.count}件が復旧しませんでした: ${v.ids}。`,
  'faults.blind': (v) => `${v.count}件の障害注入は効果が確認できず（${v.ids}）、何も証明していません。`,
  'faults.left': (v) => `${v.count}件の障害は解除が確認できず（${v.ids}）、まだ作用している可能性があります。`,
  shed: (v) => `${v.count}件（全体の${v.share}）のタスクの受付を拒否しました: ${v.shares}。`,
  'shed.one': (v) => `${v.priority} ${v.share}`,
  alert: (v) => `アラート${v.name}が${v.times}発生し、最長${v.longest}続きました。アクション: ${v.actions}。`,
  'alert.times': (v) => `${v.count}回`,
  'alert.noActions': () => 'なし',
  slow: (v) => `P99応答時間は${v.of}区間中${v.count}区間で${v.target}を超え、最大は${v.at}の${v.worst}でした。`,
  'monitor.bad': (v) => `${v.monitor}: 異常を検出しました（${v.value}）。`,
  retried: (v) =>
    `全試行の${v.share}がやり直しになりました: 失敗による再試行${v.count}件、応答のないエージェントからの回収${v.expired}件。`,
  unstarted: (v) => `${v.count}件のタスクが終了時点で未着手でした。`,
  overBudget: (v) => `費用は${v.usd}で、予算${v.budget}を超えました。`,
  littlesLaw: (v) => `リトルの法則との差が${v.error}あり、集計の一部が整合していません。`,
  sinks: (v) => `記録が完全ではありません: ${v.names}。`,

  // ---- what to change
  'bottleneck.slots': (v) =>
    `制約はスロットでした: ${v.intervals}区間中${v.saturated}区間で95%以上が使用中。${v.agents}ではなく${v.need}以上のエージェント、または1エージェントあたりのスロット増が必要です。`,
  'bottleneck.cpu': (v) =>
    `制約はCPUでした: 最大の区間で${v.cpu}（目標 ${v.target}）。エージェントのCPUを増やすか、スロットを減らしてください。`,
  'bottleneck.dispatch': (v) =>
    `使用中のスロットは最大${v.utilization}なのにタスクが待たされました（投入遅れP99 ${v.lag}）。エージェント数ではなく、キューからエージェントまでの経路と障害を調べてください。`,
  'bottleneck.none': (v) =>
    `飽和したリソースはありません: 最も忙しい区間でスロット使用率${v.utilization}、CPU ${v.cpu}。`,
  fewerAgents: (v) =>
    `スロット時間の${v.idle}が空いていました。${v.agents}ではなく${v.need}エージェントでも、ピーク時のスロット使用率80%（現在${v.utilization}）で同じ負荷を処理できます。`,
  'scaling.idle': (v) =>
    `オートスケーラは一度も動作しませんでした: 下限の${v.agents}エージェントですべて処理できました（平均スロット使用率${v.mean}）。下限を下げるか、シナリオdiurnalで効果を確認できます。`,
  'scaling.restless': (v) =>
    `オートスケーラは${v.decisions}回の判断のうち${v.reversals}回方向を変えました。閾値の間隔かクールダウンを広げてください。`,
  'fix.throughput': (v) => `スループット: 完了は${v.actual}、スロット使用率80%での処理能力は毎分${v.capacity}件です。`,
  'fix.p99_latency': (v) =>
    `レイテンシ: 最大${v.queue}件が同時に待ちました。負荷の上昇前にスケールする（feed_forward）か、低優先度を早めに拒否してください。`,
  'fix.error_rate': (v) =>
    `エラー率: まず${v.type}を調べてください。${v.failed}件（${v.share}）が最終的に失敗しました。`,
  'fix.availability': (v) =>
    `可用性: ${v.canaries}件のカナリアのうち${v.missed}件が時間内に応答を得ていません。障害の時刻と比べてください。`,
  'fix.recovery': (v) =>
    `障害復旧: まず${v.id}（${v.type}、処理中タスク${v.held}件、${v.worst}）を調べてください。リースの短縮か予備エージェントの追加が有効です。`,
  'fix.stable': (v) =>
    `安定稼働: 稼働エージェントが${v.agents}のうち${v.min}まで減りました。予備を増やすか起動を短縮してください。`,
  'fix.linearity': (v) =>
    `スケーリング: 1エージェントあたりのスループットが${v.ratio}に低下します${v.peak}。全エージェントが共有するものを調べてください。`,
  'linearity.peak': (v) => `（約${v.agents}エージェントを超えると全体のスループットも低下する見込み）`,
  'fix.cpu': (v) => `CPU: 平均${v.cpu}。エージェントのCPUを増やすか、スロットを減らしてください。`,
  'fix.stretch': (v) => `ストレッチ: P99 ${v.stretch}。${v.expired}件の試行がエージェントとともに失われました。`,
  'fix.memory_leak': (v) =>
    `解放されないメモリ（${v.value}）の原因を特定してください。それまでは定期再起動に頼ることになります。`,
  'fix.connection_pool': (v) => `接続が閉じられない、または不足する原因を特定してください: ${v.value}。`,
  'prices.assumed': () => '一部の単価は他リージョンのものです。費用を信頼する前に確認してください。',
  'prices.stale': () => '単価表が実験より1年以上古いため、更新してください。',

  // ---- recommendations
  'next.invalid': (v) => `結論を出す前に再実施してください: ${v.reasons}。`,
  'next.failed': (v) => `次へ進む前にPhase ${v.phase}を再実施してください。未達: ${v.names}。`,
  'next.failed.scenario': (v) => `このシナリオを再実施してください。未達: ${v.names}。`,
  'next.go': (v) =>
    `Phase ${v.phase}へ進んでください。毎分${v.rate}件で${v.agents}エージェントのスロット使用率は${v.utilization}の見込みです${v.bursts}。`,
  'next.bursts': (v) => `（毎分${v.rate}件のバースト時は${v.utilization}）`,
  'next.tooFew': (v) =>
    `Phase ${v.phase}には${v.need}以上のエージェントが必要です。毎分${v.rate}件では${v.agents}エージェントのスロット使用率が${v.utilization}になります。`,
  'next.cost': (v) => `費用がエージェント数と時間に比例するなら、Phase ${v.phase}は約${v.usd}の見込みです。`,
  'next.done': (v) =>
    `最終フェーズは合格です。スロット使用率80%での処理能力は${v.agents}エージェントで毎分${v.capacity}件であり、これを計画値とします。`,
  'next.scaleOut': () => '線形性が未測定のため、シナリオscale_outを実施してください。',
  'next.chaos': (v) =>
    `障害注入が行われておらず復旧時間が不明のため、Phase ${v.phase}を--chaos付きで一度実施してください。`,
  'next.scenario': (v) => `シナリオ「${v.scenario}」は合格です。構成を変更するたびに再実施してください。`,
  'next.overload': (v) =>
    `この負荷の${v.share}は受付を拒否されました。この構成では毎分${v.capacity}件以下で計画してください。`,
};
