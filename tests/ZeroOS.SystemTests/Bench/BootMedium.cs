using System.Security.Cryptography;

namespace ZeroOS.SystemTests.Bench;

/// <summary>A boot medium as mtools sees it, from outside.</summary>
internal sealed class BootMedium(string file)
{
    /// <summary>Where zeroos.img has its system partition.</summary>
    private const long OffsetBytes = 1 << 20;

    /// <summary>Its file.</summary>
    public string File { get; } = file;

    /// <summary>SHA-256 of a file on it; null when mtools cannot read it whole.</summary>
    public async Task<string?> Digest(string path)
    {
        string copy = File + ".read";
        System.IO.File.Delete(copy);
        CommandResult result = await Command.Run("mcopy", ["-n", "-i", $"{File}@@{OffsetBytes}", "::" + path, copy], TimeSpan.FromMinutes(1));
        return result.ExitCode == 0 ? Convert.ToHexStringLower(SHA256.HashData(await System.IO.File.ReadAllBytesAsync(copy))) : null;
    }

    /// <summary>What fsck.fat says of the partition: nothing when nothing is wrong.</summary>
    public async Task<CommandResult> Check(string copy)
    {
        using (FileStream from = System.IO.File.OpenRead(File), to = System.IO.File.Create(copy))
        {
            from.Position = OffsetBytes;
            await from.CopyToAsync(to);
        }
        return await Command.Run("fsck.fat", ["-n", copy], TimeSpan.FromMinutes(1));
    }

    /// <summary>SHA-256 of a file of this computer.</summary>
    public static string DigestOf(string path) => Convert.ToHexStringLower(SHA256.HashData(System.IO.File.ReadAllBytes(path)));
}
