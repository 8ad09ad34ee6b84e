namespace ZeroOS.Host.Storage;

/// <summary>Why the disks of a computer cannot be its storage, a sentence that says what a person does.</summary>
public sealed class StorageException(string message) : Exception(message);
