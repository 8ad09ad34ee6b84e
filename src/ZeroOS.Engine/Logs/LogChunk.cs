using ZeroOS.Contracts.Bus;

namespace ZeroOS.Engine.Logs;

/// <summary>Output of both streams in the order in which it came. The bytes are the reader's buffer: good until its next read.</summary>
/// <param name="Bytes">The output.</param>
/// <param name="Runs">Whose it is, and when it came.</param>
/// <param name="Time">What the times of runs count from, in milliseconds since 1970; null: no run has one.</param>
/// <param name="Position">The position behind it.</param>
/// <param name="IsFull">More may be there already; else this is all there was.</param>
internal readonly record struct LogChunk(ReadOnlyMemory<byte> Bytes, IReadOnlyList<LogRun> Runs, long? Time, long Position, bool IsFull);
