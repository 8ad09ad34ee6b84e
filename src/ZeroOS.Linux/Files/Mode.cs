namespace ZeroOS.Linux;

/// <summary>Who may do what with a file or a folder (chmod(2)), by name: C# has no octal numbers.</summary>
public static class Mode
{
    /// <summary>0600: the owner reads and writes.</summary>
    public const int OwnerOnly = 0x180;

    /// <summary>0700: a folder that its owner alone enters.</summary>
    public const int OwnerFolder = 0x1C0;

    /// <summary>0644: the owner writes, everybody reads.</summary>
    public const int ReadableByAll = 0x1A4;

    /// <summary>0755: a folder that its owner changes and everybody enters.</summary>
    public const int FolderForAll = 0x1ED;
}
