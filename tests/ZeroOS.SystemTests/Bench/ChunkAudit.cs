using System.Buffers.Binary;
using System.Security.Cryptography;

using ZeroOS.Flist;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// Looks into a node's disk from outside, with btrfs-progs, and holds every chunk its images' <c>present</c> files speak of against its hash.
/// </summary>
internal static class ChunkAudit
{
    private const int PresentHeader = 48;

    /// <summary>How many chunks are marked present, and which of them have another hash.</summary>
    public static async Task<(int Marked, IReadOnlyList<string> Wrong)> Of(string disk, string scratch)
    {
        if (Directory.Exists(scratch))
            Directory.Delete(scratch, recursive: true);
        Directory.CreateDirectory(scratch);
        (await Command.Run("btrfs", ["restore", "--path-regex", "^/(|images(|/.*))$", disk, scratch], TimeSpan.FromMinutes(2))).Ok();
        int marked = 0;
        List<string> wrong = [];
        foreach (string present in Directory.Exists(Path.Combine(scratch, "images"))
            ? Directory.EnumerateFiles(Path.Combine(scratch, "images"), "present", SearchOption.AllDirectories) : [])
        {
            string folder = Path.GetDirectoryName(present)!;
            byte[] hint = await File.ReadAllBytesAsync(present);
            if (!File.Exists(Path.Combine(folder, "index")) || hint.Length < PresentHeader + 32
                || !SHA256.HashData(hint.AsSpan(..^32)).AsSpan().SequenceEqual(hint.AsSpan()[^32..]))
                continue; // a torn hint says nothing, which is what the node takes it for
            FlistIndex index = FlistIndex.Open(await File.ReadAllBytesAsync(Path.Combine(folder, "index")));
            using FileStream device = File.OpenRead(Path.Combine(folder, "device"));
            for (int chunk = 0; chunk < BinaryPrimitives.ReadInt32LittleEndian(hint.AsSpan(8)); chunk++)
            {
                if ((hint[PresentHeader + (chunk / 8)] & (1 << (chunk % 8))) == 0)
                    continue;
                marked++;
                FlistChunk expected = index[chunk];
                byte[] plain = new byte[expected.Length];
                device.Position = expected.DeviceOffset;
                device.ReadAtLeast(plain, plain.Length, throwOnEndOfStream: false);
                if (expected.PlainDigest != Sha256Digest.Of(plain))
                    wrong.Add($"{Path.GetFileName(folder)} chunk {chunk}");
            }
        }
        return (marked, wrong);
    }
}
