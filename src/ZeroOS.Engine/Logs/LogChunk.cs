namespace ZeroOS.Engine.Logs;

/// <summary>Some output of one stream: 1 is stdout, 2 is stderr.</summary>
internal readonly record struct LogChunk(int Stream, ReadOnlyMemory<byte> Bytes);
