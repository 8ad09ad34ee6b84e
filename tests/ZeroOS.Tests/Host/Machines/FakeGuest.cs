using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Host.Machines;

/// <summary>The test as zguest, or as any process of the guest, on one connection.</summary>
internal sealed class FakeGuest(FileDescriptor socket) : IDisposable
{
    /// <summary>A hello; with the secret from a guest that has its specification.</summary>
    public void Hello(byte[]? secret = null, bool running = false) => Send(GuestFrameType.Hello, 0,
        JsonSerializer.Serialize(new GuestHello { Version = 1, HasSpec = secret is not null, Running = running, Secret = secret },
            GuestJson.Default.GuestHello));

    /// <summary>Takes the specification as zguest does, and returns the secret.</summary>
    public byte[] TakeSpec(out GuestSpec spec)
    {
        Hello();
        byte[] payload = Expect(GuestFrameType.Spec), secret = payload[..GuestProtocol.SecretBytes];
        spec = JsonSerializer.Deserialize(payload.AsSpan(GuestProtocol.SecretBytes), GuestJson.Default.GuestSpec)!;
        Send(GuestFrameType.Claim, 0, secret);
        LogsFrom = BinaryPrimitives.ReadInt64LittleEndian(Expect(GuestFrameType.LogsFrom));
        return secret;
    }

    /// <summary>What the last <see cref="TakeSpec"/> or <see cref="Return"/> was told.</summary>
    public long LogsFrom { get; private set; }

    /// <summary>Comes again with the secret.</summary>
    public void Return(byte[] secret, bool running = false)
    {
        Hello(secret, running);
        LogsFrom = BinaryPrimitives.ReadInt64LittleEndian(Expect(GuestFrameType.LogsFrom));
    }

    public void Send(GuestFrameType type, uint stream, string payload) => Send(type, stream, Encoding.UTF8.GetBytes(payload));

    public void Send(GuestFrameType type, uint stream, ReadOnlySpan<byte> payload) => Write(GuestFrameBuffer.Frame(type, stream, payload));

    /// <summary>Output as zguest sends it.</summary>
    public void Log(long offset, int stream, string text)
    {
        byte[] payload = new byte[sizeof(long) + text.Length];
        BinaryPrimitives.WriteInt64LittleEndian(payload, offset);
        Encoding.ASCII.GetBytes(text, payload.AsSpan(sizeof(long)));
        Send(GuestFrameType.Log, (uint)stream, payload);
    }

    /// <summary>
    /// Sends a frame of output while the node takes it: the output's length, or 0 when it took nothing for a second. The first 8 bytes of the payload become
    /// the offset.
    /// </summary>
    public int TrySend(GuestFrameType type, uint stream, byte[] payload, long offset)
    {
        BinaryPrimitives.WriteInt64LittleEndian(payload, offset);
        byte[] frame = GuestFrameBuffer.Frame(type, stream, payload);
        int done = 0;
        while (done < frame.Length)
        {
            if (new StreamSocket(socket).TrySendNow(frame.AsSpan(done), out int sent) == Errno.None)
                done += sent;
            else if (done == 0 && !SpinWait.SpinUntil(() => Polling.IsWritable(socket), 1_000))
                return 0;
        }
        return payload.Length - sizeof(long);
    }

    // The node may have closed it already.
    private void Write(byte[] frame) => _ = new StreamSocket(socket).TrySendAll(frame);

    /// <summary>The order to dial for a session.</summary>
    public GuestSession ExpectSession() => JsonSerializer.Deserialize(Expect(GuestFrameType.Session), GuestJson.Default.GuestSession)!;

    /// <summary>Bytes as they are.</summary>
    public void Raw(params byte[] bytes) => Write(bytes);

    public byte[] Expect(GuestFrameType type)
    {
        byte[] header = Exactly(GuestProtocol.HeaderSize);
        Assert.Equal(type, (GuestFrameType)header[4]);
        return Exactly(BinaryPrimitives.ReadInt32LittleEndian(header));
    }

    /// <summary>Waits until the node closes the connection.</summary>
    public bool IsClosedByNode() => ReadToEnd().Length >= 0;

    /// <summary>Everything the node still says until it closes.</summary>
    public byte[] ReadToEnd()
    {
        List<byte> all = [];
        byte[] some = new byte[4096];
        Errno errno;
        int read;
        while ((errno = socket.TryRead(some, out read)) == Errno.None && read > 0)
            all.AddRange(some.AsSpan(0, read));
        Assert.True(errno is Errno.None or Errno.ECONNRESET, $"{errno}");
        return [.. all];
    }

    public void Dispose() => socket.Dispose();

    /// <summary>So many bytes.</summary>
    public byte[] Exactly(int count)
    {
        byte[] bytes = new byte[count];
        for (int have = 0; have < count;)
        {
            int read = socket.Read(bytes.AsSpan(have));
            Assert.True(read > 0, "the node closed the guest's connection");
            have += read;
        }
        return bytes;
    }
}
