using System.Buffers.Binary;

using ZeroOS.Contracts.Monitor;

namespace ZeroOS.Images.Store;

/// <summary>A monitor's request for one chunk, read from a message that it sent.</summary>
internal static class ChunkRequest
{
    /// <summary>Reads the chunk's number; false when the message is no request or the image has no such chunk.</summary>
    public static bool TryRead(ReadOnlySpan<byte> message, int chunkCount, out int chunk)
    {
        chunk = 0;
        if (message.Length != ChunkMessage.Size || BinaryPrimitives.ReadUInt32LittleEndian(message[4..]) != ChunkMessage.Need)
            return false;
        uint number = BinaryPrimitives.ReadUInt32LittleEndian(message);
        if (number >= (uint)chunkCount)
            return false;
        chunk = (int)number;
        return true;
    }
}
