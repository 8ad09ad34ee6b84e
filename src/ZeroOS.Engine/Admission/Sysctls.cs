namespace ZeroOS.Engine.Admission;

/// <summary>
/// Settings of a guest's kernel that a deployment may give. They are those of Docker, which belong to a container, and those of memory and files: the kernel is
/// the machine's own.
/// </summary>
internal static class Sysctls
{
    /// <summary>Which those are, as a sentence says it.</summary>
    public const string Rule = "a setting is one of net.*, vm.*, fs.*, kernel.msg*, kernel.sem and kernel.shm*, in small letters";

    /// <summary>Characters of a name at most.</summary>
    public const int MaxName = 128;

    private static readonly string[] s_prefixes = ["net.", "vm.", "fs."];

    private static readonly string[] s_ofKernel = ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"];

    /// <summary>Whether it is one, "net.ipv4.ip_forward". No part is empty, so that none leads out of /proc/sys.</summary>
    public static bool IsName(string name) =>
        name.Length <= MaxName
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '.' or '/')
        && !name.Split('.', '/').Contains("")
        && (Array.Exists(s_prefixes, p => name.StartsWith(p, StringComparison.Ordinal))
            || (name.StartsWith("kernel.", StringComparison.Ordinal) && s_ofKernel.Contains(name["kernel.".Length..])));
}
