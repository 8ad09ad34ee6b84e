using System.Buffers;
using System.Buffers.Binary;
using System.Text;

using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>What a message between the node and a fetch process is.</summary>
internal enum FetchVerb : byte
{
    /// <summary>Node: a <see cref="FetchRequest"/> as JSON.</summary>
    Get = 1,

    /// <summary>Node: u32 stored length, u32 plain length; Data of that stored length follows.</summary>
    Decompress = 2,

    /// <summary>Both: the next bytes.</summary>
    Data = 3,

    /// <summary>Node: the answer is no longer wanted.</summary>
    Cancel = 4,

    /// <summary>Fetch: that was all.</summary>
    Done = 5,

    /// <summary>Fetch: u8 <see cref="RegistryFailure"/>, then a sentence.</summary>
    Failed = 6,
}

/// <summary>
/// Messages on the seqpacket socket between the node and its fetch processes: u32 id of the request, u8 verb, 3 zero bytes, payload. Little-endian. The
/// node takes nothing in an answer for granted: not its id, not its length, not its text.
/// </summary>
internal static class FetchMessage
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = 8;

    /// <summary>Bytes of data in one message at most.</summary>
    public const int MaxData = 60 * 1024;

    private const int MaxSentence = 400;

    /// <summary>Sends one message, waiting for room; false when the other side is gone.</summary>
    public static bool TrySend(SeqPacketSocket socket, uint id, FetchVerb verb, ReadOnlySpan<byte> payload)
    {
        byte[] message = ArrayPool<byte>.Shared.Rent(HeaderSize + payload.Length);
        try
        {
            BinaryPrimitives.WriteUInt32LittleEndian(message, id);
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), (uint)verb);
            payload.CopyTo(message.AsSpan(HeaderSize));
            return socket.TrySend(message.AsSpan(0, HeaderSize + payload.Length)) == Errno.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    /// <summary>Sends bytes in as many Data messages as they need.</summary>
    public static bool TrySendData(SeqPacketSocket socket, uint id, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int piece = Math.Min(bytes.Length, MaxData);
            if (!TrySend(socket, id, FetchVerb.Data, bytes[..piece]))
                return false;
            bytes = bytes[piece..];
        }
        return true;
    }

    /// <summary>Says why a request failed.</summary>
    public static bool TrySendFailure(SeqPacketSocket socket, uint id, RegistryFailure failure, string sentence) =>
        TrySend(socket, id, FetchVerb.Failed, [(byte)failure, .. Encoding.UTF8.GetBytes(HostileText.Plain(sentence, MaxSentence))]);

    /// <summary>Takes a message apart; false when it is not one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, out uint id, out FetchVerb verb, out ReadOnlySpan<byte> payload)
    {
        (id, verb) = (0, default);
        payload = default;
        if (message.Length < HeaderSize || BinaryPrimitives.ReadUInt32LittleEndian(message[4..]) is < (uint)FetchVerb.Get or > (uint)FetchVerb.Failed)
            return false;
        id = BinaryPrimitives.ReadUInt32LittleEndian(message);
        verb = (FetchVerb)message[4];
        payload = message[HeaderSize..];
        return true;
    }

    /// <summary>The failure in the payload of Failed, whatever its bytes are.</summary>
    public static RegistryException Failure(ReadOnlySpan<byte> payload)
    {
        RegistryFailure failure = payload.IsEmpty ? default : (RegistryFailure)payload[0];
        if (failure is < RegistryFailure.Unreachable or > RegistryFailure.Invalid)
            failure = RegistryFailure.Invalid;
        string sentence = payload.Length > 1 ? HostileText.Plain(Encoding.UTF8.GetString(payload[1..]), MaxSentence) : "";
        return new RegistryException(failure, sentence.Length > 0 ? sentence : "the fetch process gave no reason");
    }
}
