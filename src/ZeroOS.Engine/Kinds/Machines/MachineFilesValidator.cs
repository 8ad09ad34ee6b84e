using System.Text;

using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Engine.Kinds.Machines;

/// <summary>Checks the files that a deployment writes into a machine, and makes of one that is right what the guest is told.</summary>
internal static class MachineFilesValidator
{
    /// <summary>Files of one machine at most.</summary>
    public const int MaxFiles = 64;

    /// <summary>Bytes of all their content at most: in base64, beside the largest process, they still fit one guest frame.</summary>
    public const int MaxBytes = 256 * 1024;

    private const int DefaultMode = 0x1A4; // 0644

    // Written by the guest at each start.
    private static readonly string[] s_ownFiles = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];

    /// <summary>Checks one machine; <paramref name="path"/> is its data's place.</summary>
    public static void Check(string path, ZmachineData data)
    {
        IReadOnlyList<MachineFile> files = data.Files ?? [];
        if (files.Count > MaxFiles)
            throw Refuse.Invalid($"{path}.files", $"a machine has at most {MaxFiles} files");
        HashSet<string> taken = [.. data.Mounts.Select(m => m.Path), .. (data.Tmpfs ?? []).Select(t => t.Path)];
        long total = 0;
        for (int i = 0; i < files.Count; i++)
        {
            Check($"{path}.files[{i}]", files[i], taken);
            total += Content(files[i])!.Length;
            if (total > MaxBytes)
                throw Refuse.Invalid($"{path}.files", "files have at most 256KiB together; put larger ones into the image or a volume");
        }
    }

    /// <summary>What the guest is told of one that is right.</summary>
    public static GuestFile ToGuest(MachineFile file) => new()
    {
        Path = file.Path,
        Content = Content(file)!,
        Mode = file.Mode is { } mode ? Convert.ToInt32(mode, 8) : DefaultMode,
        User = file.User ?? "",
    };

    private static void Check(string path, MachineFile file, HashSet<string> taken)
    {
        if (!MachineValidator.IsMountPath(file.Path))
            throw Refuse.Invalid($"{path}.path",
                "a file's path is absolute, has no \".\", \"..\" or empty parts, and is neither / nor below /proc, /sys, /dev");
        if (s_ownFiles.Contains(file.Path))
            throw Refuse.Invalid($"{path}.path", "this file is the machine's own; say hostname, extraHosts or dns");
        if (!taken.Add(file.Path))
            throw Refuse.Invalid($"{path}.path", $"{file.Path} is given twice");
        if (file.Content is null == file.Base64 is null)
            throw Refuse.Invalid($"{path}.content", "a file has either content or base64");
        if (Content(file) is null)
            throw Refuse.Invalid($"{path}.base64", "this is not base64");
        if (file.Mode is { } mode && !MachineInsideValidator.IsMode(mode))
            throw Refuse.Invalid($"{path}.mode", "a mode is three or four octal digits, such as 0644");
        if (file.User is { } user && !MachineValidator.IsUser(user))
            throw Refuse.Invalid($"{path}.user", "a user is a name or a number, perhaps with \":\" and a group");
    }

    // Null when it is not base64.
    private static byte[]? Content(MachineFile file)
    {
        if (file.Content is { } text)
            return Encoding.UTF8.GetBytes(text);
        byte[] bytes = new byte[file.Base64!.Length];
        return Convert.TryFromBase64String(file.Base64, bytes, out int length) ? bytes[..length] : null;
    }
}
