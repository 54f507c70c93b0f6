// The elements of each component type in the order of the vendor's schema:
// fullName, then the others by their names (Salesforce: Metadata, Wire). One
// word an element: name[:type][*][!], "*" may repeat, "!" must be there.

const SOURCE = {
  CustomField: `caseSensitive:boolean complianceGroup defaultValue deleteConstraint:DeleteConstraint deprecated:boolean description
    displayFormat displayLocationInDecimal:boolean externalDeveloperName externalId:boolean fieldManageability formula
    formulaTreatBlanksAs inlineHelpText label length:int maskChar maskType populateExistingRows:boolean precision:int referenceTargetField
    referenceTo relationshipLabel relationshipName relationshipOrder:int reparentableMasterDetail:boolean required:boolean
    scale:int securityClassification startingNumber:int stripMarkup:boolean summarizedField summaryForeignKey summaryOperation
    trackFeedHistory:boolean trackHistory:boolean trackTrending:boolean translateData:boolean type:FieldType unique:boolean
    valueSet:ValueSet visibleLines:int writeRequiresMasterRead:boolean`,
  ValueSet: 'controllingField restricted:boolean valueSetDefinition:ValueSetValuesDefinition valueSetName',
  ValueSetValuesDefinition: 'sorted:boolean! value:CustomValue*',
  CustomValue: 'fullName color default:boolean! description isActive:boolean label',
  CustomObject: `compactLayoutAssignment customHelp deploymentStatus:DeploymentStatus deprecated:boolean description
    enableActivities:boolean enableBulkApi:boolean enableDivisions:boolean enableEnhancedLookup:boolean enableFeeds:boolean
    enableHistory:boolean enableLicensing:boolean enableReports:boolean enableSearch:boolean enableSharing:boolean
    enableStreamingApi:boolean eventType:PlatformEventType externalSharingModel:SharingModel fields:CustomField* gender household:boolean
    label nameField:CustomField pluralLabel publishBehavior:PublishBehavior recordTypeTrackFeedHistory:boolean
    recordTypeTrackHistory:boolean sharingModel:SharingModel startsWith visibility:SetupObjectVisibility`,
  BusinessProcess: 'description isActive:boolean namespacePrefix values:PicklistValue*',
  PicklistValue: `fullName allowEmail:boolean closed:boolean color cssExposed:boolean default:boolean! description
    forecastCategory probability:int reverseRole reviewed:boolean won:boolean`,
  RecordType: 'active:boolean! businessProcess compactLayoutAssignment description label! picklistValues:RecordTypePicklistValue*',
  RecordTypePicklistValue: 'picklist! values:PicklistValue*',
  PermissionSet: `description fieldPermissions:PermissionSetFieldPermissions* hasActivationRequired:boolean label! license
    objectPermissions:PermissionSetObjectPermissions* recordTypeVisibilities:PermissionSetRecordTypeVisibility*
    tabSettings:PermissionSetTabSetting* userPermissions:PermissionSetUserPermission*`,
  PermissionSetFieldPermissions: 'editable:boolean! field! readable:boolean',
  PermissionSetObjectPermissions: `allowCreate:boolean! allowDelete:boolean! allowEdit:boolean! allowRead:boolean!
    modifyAllRecords:boolean! object! viewAllFields:boolean viewAllRecords:boolean!`,
  PermissionSetRecordTypeVisibility: 'recordType! visible:boolean!',
  PermissionSetTabSetting: 'tab! visibility!',
  PermissionSetUserPermission: 'enabled:boolean! name!',
};

export const COMPONENTS = ['CustomObject', 'CustomField', 'BusinessProcess', 'RecordType', 'PermissionSet'];

export const ENUMS = {
  FieldType: ['AutoNumber', 'Lookup', 'MasterDetail', 'Checkbox', 'Currency', 'Date', 'DateTime', 'Email', 'Location', 'Number', 'Percent',
    'Phone', 'Picklist', 'MultiselectPicklist', 'Text', 'TextArea', 'LongTextArea', 'Html', 'Url', 'EncryptedText', 'Summary',
    'Hierarchy', 'File', 'MetadataRelationship', 'Array', 'IndirectLookup', 'ExternalLookup', 'Time'],
  DeleteConstraint: ['Cascade', 'Restrict', 'SetNull'],
  DeploymentStatus: ['InDevelopment', 'Deployed'],
  PlatformEventType: ['HighVolume', 'StandardVolume'],
  PublishBehavior: ['PublishImmediately', 'PublishAfterCommit'],
  SharingModel: ['Private', 'Read', 'ReadSelect', 'ReadWrite', 'ReadWriteTransfer', 'FullAccess', 'ControlledByParent',
    'ControlledByLeadOrContact', 'ControlledByCampaign'],
  SetupObjectVisibility: ['Protected', 'Public', 'PackageProtected'],
};

function parse(word) {
  const [, name, type = 'string', list, required] = /^(\w+)(?::(\w+))?(\*)?(!)?$/.exec(word);
  return { name, type, list: Boolean(list), required: Boolean(required) };
}

function elementsOf(type) {
  const words = SOURCE[type].split(/\s+/);
  if (COMPONENTS.includes(type)) words.unshift('fullName');
  return new Map(words.map((word, i) => [word.match(/^\w+/)[0], { ...parse(word), order: i }]));
}

// Per type a map from an element's name to {name, type, list, required, order}.
export const TYPES = Object.fromEntries(Object.keys(SOURCE).map((type) => [type, elementsOf(type)]));
