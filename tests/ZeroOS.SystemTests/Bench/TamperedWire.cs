using ZeroOS.Bus.Client;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// A wire with somebody on it who keeps every opening, changes the frames that a client sends, and may stop passing on what the node sends. A client writes one
/// whole frame at a time.
/// </summary>
internal sealed class TamperedWire(HttpTransport wire) : ISessionTransport
{
    /// <summary>Envelopes of openings, oldest first.</summary>
    public List<byte[]> Openings { get; } = [];

    /// <summary>Every frame that clients sealed, in all sessions, oldest first.</summary>
    public List<byte[]> Frames { get; } = [];

    /// <summary>What a frame is changed into before it goes on; the frame's number in its session counts from 0, which is the begin.</summary>
    public Func<int, byte[], byte[][]> Change { get; set; } = (_, frame) => [frame];

    /// <summary>Bytes that a session gets to read; of more nothing is read from the connection any more.</summary>
    public long ReadsAtMost { get; set; } = long.MaxValue;

    public IAsyncEnumerable<ReadOnlyMemory<byte>> SendAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation) =>
        wire.SendAsync(envelope, cancellation);

    public async Task<SessionAnswer> OpenAsync(ReadOnlyMemory<byte> envelope, CancellationToken cancellation)
    {
        Openings.Add(envelope.ToArray());
        SessionAnswer answer = await wire.OpenAsync(envelope, cancellation);
        return answer.Stream is null ? answer : answer with { Stream = new TamperedStream(this, answer.Stream) };
    }

    private sealed class TamperedStream(TamperedWire wire, Stream inner) : Stream
    {
        private int _frames;
        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_read >= wire.ReadsAtMost)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            int count = await inner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, wire.ReadsAtMost - _read)], cancellationToken);
            _read += count;
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            byte[] frame = buffer.ToArray();
            wire.Frames.Add(frame);
            foreach (byte[] changed in wire.Change(_frames++, frame))
                await inner.WriteAsync(changed, cancellationToken);
        }

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
