using ZeroOS.Contracts.Guest;

namespace ZeroOS.Engine.Logs;

/// <summary>Output of one stream, and the position behind it. The bytes are the reader's buffer: good until its next read.</summary>
internal readonly record struct LogChunk(OutputStream Stream, ReadOnlyMemory<byte> Bytes, long Position);
