using System.Buffers.Binary;

using ZeroOS.Flist;
using ZeroOS.Formats.Zstd;
using ZeroOS.Linux;
using ZeroOS.Oci.Registry;

namespace ZeroOS.Images.Fetch;

/// <summary>The twin without network: takes stored chunks, gives plain ones. One at a time; a crash of zstd costs this process and nothing else.</summary>
internal sealed class ConvertServer(SeqPacketSocket node)
{
    private readonly byte[] _message = new byte[SeqPacketSocket.MaxMessage];
    private readonly byte[] _stored = new byte[FlistFormat.MaxChunkLength], _plain = new byte[FlistFormat.MaxChunkLength];

    /// <summary>Serves until the node is gone or stops making sense.</summary>
    public void Run()
    {
        using ZstdDecompressor zstd = new();
        while (TryReceive(out uint id, out FetchVerb verb, out ReadOnlySpan<byte> payload))
        {
            if (verb == FetchVerb.Cancel)
                continue;
            if (verb != FetchVerb.Decompress || payload.Length != 8)
                return;
            int storedLength = BinaryPrimitives.ReadInt32LittleEndian(payload), plainLength = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
            if (storedLength is <= 0 or > FlistFormat.MaxChunkLength || plainLength is <= 0 or > FlistFormat.MaxChunkLength)
                return;
            for (int filled = 0; filled < storedLength; filled += payload.Length)
            {
                if (!TryReceive(out uint piece, out verb, out payload) || piece != id || verb != FetchVerb.Data || payload.IsEmpty
                    || payload.Length > storedLength - filled)
                    return;
                payload.CopyTo(_stored.AsSpan(filled));
            }
            Span<byte> plain = _plain.AsSpan(0, plainLength);
            bool sent = zstd.TryDecompress(_stored.AsSpan(0, storedLength), plain)
                ? FetchMessage.TrySendData(node, id, plain) && FetchMessage.TrySend(node, id, FetchVerb.Done, [])
                : FetchMessage.TrySendFailure(node, id, RegistryFailure.Invalid, "the chunk is not zstd of the size its index says");
            if (!sent)
                return;
        }
    }

    private bool TryReceive(out uint id, out FetchVerb verb, out ReadOnlySpan<byte> payload)
    {
        (id, verb) = (0, default);
        payload = default;
        Errno errno = node.TryReceive(_message, out int length, out FileDescriptor[] descriptors);
        foreach (FileDescriptor descriptor in descriptors)
            descriptor.Dispose();
        return errno == Errno.None && FetchMessage.TryRead(_message.AsSpan(0, length), out id, out verb, out payload);
    }
}
