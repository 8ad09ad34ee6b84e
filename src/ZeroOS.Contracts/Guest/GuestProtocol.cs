namespace ZeroOS.Contracts.Guest;

/// <summary>
/// The protocol between zguest and the node on one vsock connection that zguest opens to the host's port <see cref="Port"/>, and opens again whenever it
/// breaks. A frame is u32 payload length, u8 type, u32 stream, payload; little-endian; at most <see cref="MaxPayload"/> bytes of payload.
/// The node treats everything that comes from the guest as hostile and bounded.
/// </summary>
public static class GuestProtocol
{
    /// <summary>The host port zguest dials.</summary>
    public const uint Port = 1024;

    /// <summary>The host port zguest dials for a session, once for each that the node asks for.</summary>
    public const uint SessionPort = 1025;

    /// <summary>Bytes of a session's token.</summary>
    public const int TokenBytes = 16;

    /// <summary>Bytes of a frame before its payload.</summary>
    public const int HeaderSize = 9;

    /// <summary>Payload bytes at most; what is large is a spec with files in it.</summary>
    public const int MaxPayload = 640 * 1024;

    /// <summary>
    /// Payload bytes of a frame from the guest at most: an offset and 16 KiB of output. The node keeps a part of such a frame for each machine.
    /// </summary>
    public const int MaxGuestPayload = sizeof(long) + MaxOutput;

    /// <summary>Output bytes in one Log frame at most.</summary>
    public const int MaxOutput = 16 * 1024;

    /// <summary>Bytes of the secret by which zguest is known from the workload's processes, who can dial the same port.</summary>
    public const int SecretBytes = 32;

    /// <summary>Bytes of output zguest keeps while nobody listens; older output is dropped and counted.</summary>
    public const int LogRingBytes = 1024 * 1024;
}
